"""Does what was planned: each table that a batch touches is written by one statement.

The transaction is the caller's, and so is the count of what was done: what is written here is exactly the plan. Every
person that was made or changed gets an ImportChange, from which `undo` takes it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, String, Table, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from app.bulk import insert_rows, next_ids
from app.db import Base
from app.errors import Conflict
from app.events.record import happening, record
from app.importing.batch import as_table
from app.importing.importer import Plan
from app.importing.models import Import, ImportChange
from app.subscribers.consent import wording_hash
from app.subscribers.importing.options import Options
from app.subscribers.importing.plan import GONE, PROFILE, STATE, Person
from app.subscribers.kinds import IMPORTED, UNSUBSCRIBED
from app.subscribers.models import (
    ConsentRecord,
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Suppression,
    SuppressionReason,
    Tag,
    TrackingMode,
)
from app.subscribers.providers import provider_of

_COUNTS = ("sent", "opens", "clicks", "orders", "spent", "score")
_BARS = {Status.BOUNCED: SuppressionReason.BOUNCED, Status.COMPLAINED: SuppressionReason.COMPLAINED}


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:
    """Write the people of a plan."""
    people: list[Person] = plan.work
    if not people:
        return
    options = Options.model_validate(import_.options)
    add_people(session, import_, [each for each in people if each.is_new], now)
    changed = [each for each in people if each.changes and not each.is_new]
    write_columns(session, {each.id: each.values for each in changed})
    tag_ids = _tag_ids(session, {name for each in people for name in each.tags})
    _tag(session, people, tag_ids)
    _subscribe(session, people, now)
    _end(session, [each for each in people if each.became in GONE], now)
    _keep_proof(session, import_, options, [each for each in people if each.became is Status.ACTIVE], now)
    _keep_changes(session, import_, people, tag_ids)
    _tell(session, import_, people, now)


def event_key(import_id: int, subscriber_id: int, what: str = "imported") -> str:
    """The key of an event that an import made, by which undoing finds it."""
    return f"import:{import_id}:{subscriber_id}:{what}"


def add_people(session: Session, import_: Import, people: Sequence[Person], now: datetime) -> None:
    """Make the two rows of each, and give each its id."""
    if not people:
        return
    source = f"import:{import_.id}"
    addresses = {
        each.address.key: (each.address.email, each.address.key, each.address_hash, source, 0) for each in people
    }
    names = ("id", "email", "address_key", "address_hash", "source", "token_epoch")
    for number, each in zip(next_ids(session, Subscriber, len(people)), people, strict=True):
        each.id = number
    rows = [(each.id, *addresses[each.address.key], *(each.values[name] for name in PROFILE)) for each in people]
    # PostgreSQL's client is not loaded where SQLite is used.
    from psycopg.errors import UniqueViolation

    try:
        insert_rows(session, Subscriber, (*names, *PROFILE), rows)
    except UniqueViolation as error:
        # Somebody signed up between plan and now: the batch is planned anew, by the next ring.
        raise Conflict(_("Somebody of this file has just signed up.")) from error
    states = [
        (
            each.id,
            _tracking(each),
            now,
            provider_of(each.address.email),
            *(0,) * len(_COUNTS),
            *(each.values[name] for name in STATE),
        )
        for each in people
    ]
    columns = ("subscriber_id", "tracking", "created_at", "provider", *_COUNTS, *STATE)
    insert_rows(session, Standing, columns, states)


def write_columns(session: Session, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set the columns of PROFILE and STATE of these people."""
    if not values:
        return
    for table, key, names in ((Subscriber, "id", PROFILE), (Standing, "subscriber_id", STATE)):
        rows = _table(session, table, (key, *names), [(each, *map(of.get, names)) for each, of in values.items()])
        new = {name: rows.c[name] for name in names}
        session.execute(
            update(table).where(getattr(table, key) == rows.c[key]).values(new),
            execution_options={"synchronize_session": False},
        )


def merge_rows(session: Session, table: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """An INSERT of many rows as one statement that knows ON CONFLICT."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # SQLite cannot tell ON CONFLICT from a join condition without a WHERE.
    source = select(_table(session, table, names, rows)).where(true())
    return dialect.insert(table).from_select(list(names), source)


def _numbered(session: Session, table: type[Base], rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    ids = next_ids(session, table, len(rows))
    return [(number, *row) for number, row in zip(ids, rows, strict=True)]


def _table(session: Session, table: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    columns = _columns(table)
    return as_table(session, {name: columns[name] for name in names}, rows)


def _columns(table: type[Base]) -> dict[str, "TypeEngine[Any]"]:
    stored = table.__table__
    assert isinstance(stored, Table)
    return {column.name: column.type for column in stored.columns}


def _tracking(person: Person) -> TrackingMode:
    return person.tracking if person.became is Status.ACTIVE else TrackingMode.NONE


def _tag_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    wanted = [(name,) for name in sorted(names)]
    if not wanted:
        return {}
    session.execute(merge_rows(session, Tag, ("name",), wanted).on_conflict_do_nothing())
    asked = as_table(session, {"name": String()}, wanted)
    return dict(session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(select(asked.c.name)))).all())


def _tag(session: Session, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    names = ("tag_id", "subscriber_id")
    new = [(tag_ids[name], each.id) for each in people if each.is_new for name in each.tags]
    insert_rows(session, SubscriberTag, names, sorted(new))
    rows = [(tag_ids[name], each.id) for each in people if not each.is_new for name in each.tags]
    if rows:
        statement = merge_rows(session, SubscriberTag, names, rows)
        session.execute(statement.on_conflict_do_nothing())


def _subscribe(session: Session, people: Sequence[Person], now: datetime) -> None:
    names = ("topic_id", "subscriber_id", "subscribed_at")
    new = [(topic, each.id, now) for each in people if each.is_new for topic in each.topics]
    insert_rows(session, Subscription, names, sorted(new))
    rows = [(topic, each.id, now) for each in people if not each.is_new for topic in each.topics]
    if rows:
        statement = merge_rows(session, Subscription, names, rows)
        session.execute(statement.on_conflict_do_nothing())


def _end(session: Session, people: Sequence[Person], now: datetime) -> None:
    """The file says that they have left: nothing they had lasts, and dead or angry addresses are barred."""
    bars = [(each.address_hash, _BARS[status], now) for each in people if (status := each.values["status"]) in _BARS]
    if bars:
        names = ("address_hash", "reason", "created_at")
        session.execute(merge_rows(session, Suppression, names, bars).on_conflict_do_nothing())
    gone = as_table(session, {"id": BigInteger()}, ((each.id,) for each in people if not each.is_new))
    lasting = update(Subscription).where(Subscription.ended_at.is_(None))
    valid = update(ConsentRecord).where(ConsentRecord.withdrawn_at.is_(None))
    if people:
        session.execute(lasting.where(Subscription.subscriber_id.in_(select(gone.c.id))).values(ended_at=now))
        session.execute(valid.where(ConsentRecord.subscriber_id.in_(select(gone.c.id))).values(withdrawn_at=now))


def _keep_proof(session: Session, import_: Import, options: Options, people: Sequence[Person], now: datetime) -> None:
    """What the importing person declared, beside each of the imported (TRUST L1, L5)."""
    if options.basis is None or not people:
        return
    wording = {"file": import_.file_name, "basis": options.basis, "tracking_basis": options.tracking_basis}
    same: tuple[Any, ...] = (
        options.basis,
        options.tracking_basis,
        import_.id,
        wording,
        wording_hash(wording),
        options.topics,
        {},
    )
    names = ("basis", "tracking_basis", "import_id", "wording", "wording_hash", "topic_ids", "answers")
    own = ("subscriber_id", "address", "tracking", "requested_at", "confirmed_at", "requested_ip", "confirmed_ip")
    rows = [(*same, *_proof(each, now)) for each in people]
    insert_rows(session, ConsentRecord, ("id", *names, *own), _numbered(session, ConsentRecord, rows))


def _proof(person: Person, now: datetime) -> tuple[Any, ...]:
    said = person.row.values
    at, ip = said.get("agreed_at", now), said.get("agreed_ip")
    tracking = _tracking(person) if person.is_new else TrackingMode.NONE
    return person.id, person.address.email, tracking, at, at, ip, ip


def _keep_changes(session: Session, import_: Import, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    rows = [(import_.id, each.id, None if each.is_new else _change(each, tag_ids)) for each in people]
    insert_rows(session, ImportChange, ("import_id", "row_id", "before"), rows)


def _change(person: Person, tag_ids: Mapping[str, int]) -> dict[str, Any]:
    columns = {name: [_json(value) for value in pair] for name, pair in person.changes.items()}
    return {"columns": columns, "tags": [tag_ids[name] for name in person.tags], "topics": person.topics}


def _json(value: Any) -> Any:
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _tell(session: Session, import_: Import, people: Sequence[Person], now: datetime) -> None:
    happenings = [
        happening(IMPORTED, each.id, now, key=event_key(import_.id, each.id), data={"import": import_.id})
        for each in people
    ]
    happenings += [
        happening(UNSUBSCRIBED, each.id, now, key=event_key(import_.id, each.id, "left"), data={"how": "import"})
        for each in people
        if not each.is_new and each.became in GONE
    ]
    record(session, happenings)
