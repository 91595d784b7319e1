"""Takes an import back: people it made go, people it changed become what they were.

Not everybody: who has since got mail, done something or is needed elsewhere stays, and what was changed again since is
left as it is. Nobody who left meanwhile is brought back. In charge of people alone; what other features derived from
them (tables marked `derived`) goes with them.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, Table, and_, case, delete, exists, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.db import Base, Instant, one_of
from app.events.models import Event
from app.feature import house
from app.importing.batch import as_table
from app.importing.importer import Undone
from app.importing.models import Import, ImportChange
from app.subscribers.hold import hold
from app.subscribers.importing.apply import left_key
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.newcomers import GONE
from app.subscribers.importing.plan import PROFILE, STATE
from app.subscribers.importing.rewrite import write_columns
from app.subscribers.kinds import CONSENT_CHANGED, IMPORTED
from app.subscribers.models import (
    ConsentRecord,
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Suppression,
)

STAYS = {
    "mailed": _l("stay because they have got mail since"),
    "acted": _l("stay because they have done something since"),
    "used": _l("stay because something else here is about them"),
    "edited": _l("were changed again since and stay as they are now"),
}
_OWN = (Event, ConsentRecord, Subscription, SubscriberTag, Standing)
_SILENT = {"synchronize_session": False}
_MOMENTS = ("confirmed_at", "ended_at")


def undo(session: Session, import_: Import, limit: int, now: datetime) -> Undone:  # noqa: ARG001 - the verb's shape
    """Take back the next `limit` people of an import."""
    statement = select(ImportChange).where(ImportChange.import_id == import_.id)
    changes = session.scalars(statement.order_by(ImportChange.row_id.desc()).limit(limit)).all()
    if not changes:
        return Undone(0)
    made = [each.row_id for each in changes if each.before is None]
    changed = {each.row_id: each.before for each in changes if each.before is not None}
    stayed = Counter(_remove(session, made)) + Counter(_restore(session, import_, changed))
    done = [each.row_id for each in changes]
    session.execute(
        delete(ImportChange).where(ImportChange.import_id == import_.id, one_of(ImportChange.row_id, done)),
        execution_options=_SILENT,
    )
    session.expunge_all()
    session.add(import_)
    return Undone(len(changes), stayed)


def _remove(session: Session, made: Sequence[int]) -> dict[str, int]:
    """Delete those that nothing speaks for; the others are counted by what does."""
    # Nothing happens to them between the question and the answer.
    hold(session, made)
    reasons = dict(session.execute(_reasons(made)).all()) if made else {}
    free = [each for each in made if each in reasons and reasons[each] is None]
    if free:
        _lift_bars(session, free)
        for table in (*_derived(), *(each.__table__ for each in _OWN)):
            assert isinstance(table, Table)
            session.execute(delete(table).where(one_of(_link(table), free)))
        session.execute(
            delete(Subscriber).where(one_of(Subscriber.id, free)),
            execution_options=_SILENT,
        )
    return Counter(reason for reason in reasons.values() if reason)


def _lift_bars(session: Session, free: Sequence[int]) -> None:
    """Those that came with a person whom the file called bounced or complaining."""
    people = select(Subscriber.address_hash, Standing.ended_at).join(Standing, Standing.subscriber_id == Subscriber.id)
    brought = people.where(one_of(Subscriber.id, free), Standing.ended_at.is_not(None))
    bars = tuple_(Suppression.address_hash, Suppression.created_at).in_(brought)
    session.execute(delete(Suppression).where(bars), execution_options=_SILENT)


def _reasons(made: Sequence[int]) -> Any:
    """Why each of these people has to stay; NULL if she has not."""
    mailed = or_(Standing.sent > 0, Standing.last_sent_at.is_not(None))
    acts = Event.kind.not_in(_quiet_kinds())
    acted = exists().where(Event.subscriber_id == Standing.subscriber_id, acts)
    used = or_(*(exists().where(_link(table) == Standing.subscriber_id) for table in _others()))
    return select(
        Standing.subscriber_id,
        case((mailed, "mailed"), (acted, "acted"), (used, "used")),
    ).where(one_of(Standing.subscriber_id, made))


def _quiet_kinds() -> list[int]:
    """What the house notes by itself; a person did everything else."""
    return [kind.code for kind in house().kinds.values() if not kind.touchpoint and kind is not CONSENT_CHANGED]


def _derived() -> list[Table]:
    return [table for table in _about_people() if table.info.get("derived")]


def _others() -> list[Table]:
    own = {each.__table__ for each in _OWN}
    return [table for table in _about_people() if table not in own and not table.info.get("derived")]


def _about_people() -> list[Table]:
    """Every table that points to a person, whichever feature it belongs to."""
    people = Subscriber.__table__
    return [table for table in Base.metadata.sorted_tables if any(k.column.table is people for k in table.foreign_keys)]


def _link(table: Table) -> Any:
    return next(key.parent for key in table.foreign_keys if key.column.table is Subscriber.__table__)


def _restore(session: Session, import_: Import, changed: dict[int, dict[str, Any]]) -> dict[str, int]:
    """Set back each column that still holds what the import put there."""
    if not changed:
        return {}
    restored, back, edited = {}, [], 0
    for found in session.execute(_now_like(changed)).mappings():
        values = {**found, "attributes": dict(found["attributes"])}
        pairs = changed[found["id"]]["columns"]
        is_whole = _set_back(values, pairs)
        edited += not is_whole
        restored[found["id"]] = values
        if "status" in pairs and Status(pairs["status"][1]) in GONE and found["status"] is not values["status"]:
            back.append((found["id"], found["address_hash"], _moment(pairs["ended_at"][1])))
    write_columns(session, restored)
    _take_off(session, changed)
    _bring_back(session, back)
    _forget(session, import_, changed)
    return {"edited": edited} if edited else {}


def _now_like(changed: Collection[int]) -> Any:
    columns = [getattr(Subscriber, name) for name in ("id", "address_hash", *PROFILE)]
    columns += [getattr(Standing, name) for name in STATE]
    found = select(*columns).join(Standing, Standing.subscriber_id == Subscriber.id)
    return found.where(one_of(Subscriber.id, changed)).order_by(Subscriber.id).with_for_update(of=Standing)


def _set_back(values: dict[str, Any], pairs: dict[str, list[Any]]) -> bool:
    """True if everything could be set back."""
    whole = True
    for name, (before, after) in pairs.items():
        key = name.removeprefix(FIELD)
        holder = values["attributes"] if name.startswith(FIELD) else values
        if holder.get(key) != _typed(name, after):
            whole = False
        elif before is None and name.startswith(FIELD):
            holder.pop(key, None)
        else:
            holder[key] = _typed(name, before)
    return whole


def _typed(name: str, value: Any) -> Any:
    if name in _MOMENTS:
        return _moment(value)
    return Status(value) if name == "status" else value


def _moment(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _take_off(session: Session, changed: dict[int, dict[str, Any]]) -> None:
    """Tags and topics that the import added."""
    links = (SubscriberTag, SubscriberTag.tag_id, "tags"), (Subscription, Subscription.topic_id, "topics")
    for table, column, name in links:
        pairs = [(each, other) for each, change in changed.items() for other in change[name]]
        if pairs:
            given = select(as_table(session, {"person": BigInteger(), "other": BigInteger()}, pairs))
            added = tuple_(table.subscriber_id, column).in_(given)
            session.execute(delete(table).where(added), execution_options=_SILENT)


def _bring_back(session: Session, back: Sequence[tuple[Any, ...]]) -> None:
    """What ended because the file said that somebody had left."""
    if not back:
        return
    given = as_table(session, {"id": BigInteger(), "hash": Suppression.address_hash.type, "at": Instant()}, back)
    people = select(given.c.id, given.c.at)
    for table, ended in ((Subscription, Subscription.ended_at), (ConsentRecord, ConsentRecord.withdrawn_at)):
        statement = update(table).where(tuple_(table.subscriber_id, ended).in_(people)).values({ended: None})
        session.execute(statement, execution_options=_SILENT)
    bars = tuple_(Suppression.address_hash, Suppression.created_at).in_(select(given.c.hash, given.c.at))
    session.execute(delete(Suppression).where(bars), execution_options=_SILENT)


def _forget(session: Session, import_: Import, changed: Collection[int]) -> None:
    """The import's own events and proofs of people who stay."""
    left = as_table(session, {"key": Event.key.type}, [(left_key(import_.id, each),) for each in changed])
    hers = one_of(Event.subscriber_id, changed), Event.kind == IMPORTED.code
    own = and_(*hers, Event.data["import"].as_integer() == import_.id)
    gone = session.scalars(
        delete(Event).where(or_(Event.key.in_(select(left.c.key)), own)).returning(Event.subscriber_id),
        execution_options=_SILENT,
    ).all()
    proofs = ConsentRecord.import_id == import_.id, one_of(ConsentRecord.subscriber_id, changed)
    session.execute(delete(ConsentRecord).where(*proofs), execution_options=_SILENT)
    house().on_events_removed(session, sorted(set(gone)))
