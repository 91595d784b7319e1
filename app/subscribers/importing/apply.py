"""Does what was planned: each table that a batch touches is written by one statement.

The transaction is the caller's, and so is the count of what was done: what is written here is exactly the plan. Every
person that was made or changed gets an ImportChange, from which `undo` takes it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns, parents_seen
from app.db import Base, one_of
from app.events.record import happening, record, record_for_all
from app.importing.batch import as_table
from app.importing.importer import Plan
from app.importing.models import Import, ImportChange
from app.subscribers.importing.known import table_of
from app.subscribers.importing.newcomers import GONE, add
from app.subscribers.importing.options import chosen
from app.subscribers.importing.plan import Person, Work
from app.subscribers.importing.proof import Said, keep_proof
from app.subscribers.importing.rewrite import rewrite
from app.subscribers.kinds import IMPORTED, UNSUBSCRIBED
from app.subscribers.models import (
    ConsentRecord,
    Status,
    SubscriberTag,
    Subscription,
    Suppression,
    SuppressionReason,
    Tag,
    TrackingMode,
)

_STATUSES = list(Status)
_BARS = {Status.BOUNCED: SuppressionReason.BOUNCED, Status.COMPLAINED: SuppressionReason.COMPLAINED}


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:
    """Write the people of a plan."""
    work: Work = plan.work
    people, options = work.touched, chosen(session, import_)
    wearers = work.newcomers.tags(options)
    names = {*wearers, *(name for each in people for name in each.tags)}
    tag_ids = _tag_ids(session, names) if len(work.newcomers) or people else {}
    with parents_seen(session):
        tagged = {tag_ids[name]: places for name, places in wearers.items()} if len(work.newcomers) else {}
        gone = add(session, import_, work.newcomers, options, tagged, now)
    rewrite(session, people)
    _tag(session, people, tag_ids)
    _subscribe(session, people, now)
    left = [each for each in people if each.became in GONE]
    _end(session, left, now)
    _bar(session, [*gone, *((each.known.hash, each.became) for each in left if each.became)], now)
    keep_proof(session, import_, options, _said(work, now), TrackingMode.NONE)
    _keep_changes(session, import_, people, tag_ids)
    _tell(session, import_, people, now)


def left_key(import_id: int, subscriber_id: int) -> str:
    """The key of the event that an import says of somebody who has left, by which undoing finds it."""
    return f"import:{import_id}:{subscriber_id}:left"


def merge_rows(session: Session, table: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """An INSERT of many rows as one statement that knows ON CONFLICT."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    types = {name: table_of(table).c[name].type for name in names}
    # SQLite cannot tell ON CONFLICT from a join condition without a WHERE.
    source = select(as_table(session, types, rows)).where(true())
    return dialect.insert(table).from_select(list(names), source)


def _tag_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    wanted = [(name,) for name in sorted(names)]
    if not wanted:
        return {}
    session.execute(merge_rows(session, Tag, ("name",), wanted).on_conflict_do_nothing())
    asked = as_table(session, {"name": String()}, wanted)
    # Nobody may delete them before their wearers are committed.
    lasting = select(Tag.name, Tag.id).where(Tag.name.in_(select(asked.c.name)))
    return dict(session.execute(lasting.with_for_update(read=True, key_share=True)).all())


def _tag(session: Session, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    rows = [(tag_ids[name], each.known.id) for each in people for name in each.tags]
    if rows:
        statement = merge_rows(session, SubscriberTag, ("tag_id", "subscriber_id"), rows)
        session.execute(statement.on_conflict_do_nothing())


def _subscribe(session: Session, people: Sequence[Person], now: datetime) -> None:
    rows = [(topic, each.known.id, now) for each in people for topic in each.topics]
    if rows:
        statement = merge_rows(session, Subscription, ("topic_id", "subscriber_id", "subscribed_at"), rows)
        session.execute(statement.on_conflict_do_nothing())


def _end(session: Session, people: Sequence[Person], now: datetime) -> None:
    """The file says that they have left: nothing they had lasts."""
    if people:
        gone = [each.known.id for each in people]
        lasting = update(Subscription).where(Subscription.ended_at.is_(None))
        valid = update(ConsentRecord).where(ConsentRecord.withdrawn_at.is_(None))
        session.execute(lasting.where(one_of(Subscription.subscriber_id, gone)).values(ended_at=now))
        session.execute(valid.where(one_of(ConsentRecord.subscriber_id, gone)).values(withdrawn_at=now))


def _bar(session: Session, gone: Iterable[tuple[str, Status]], now: datetime) -> None:
    """Dead and angry addresses are never written to again."""
    bars = [(each, _BARS[status], now) for each, status in gone if status in _BARS]
    if bars:
        names = ("address_hash", "reason", "created_at")
        session.execute(merge_rows(session, Suppression, names, bars).on_conflict_do_nothing())


def _said(work: Work, now: datetime) -> Said:
    """What the file says of those who become active."""
    active = [each for each in work.touched if each.became is Status.ACTIVE]
    at, machines, addresses = (work.rows.column(name) for name in ("agreed_at", "agreed_ip", "email"))
    places = [each.place for each in active]
    return Said(
        [each.known.id for each in active],
        [addresses[place] for place in places],
        [at[place] or now for place in places],
        [machines[place] for place in places],
    )


def _keep_changes(session: Session, import_: Import, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    columns = {
        "import_id": Every(import_.id),
        "row_id": [each.known.id for each in people],
        "before": [_change(each, tag_ids) for each in people],
    }
    insert_columns(session, ImportChange, columns, len(people))


def _change(person: Person, tag_ids: Mapping[str, int]) -> dict[str, Any]:
    columns = dict(person.changes)
    if "status" in columns:
        columns["status"] = [_STATUSES[each].value for each in columns["status"]]
    return {"columns": columns, "tags": [tag_ids[name] for name in person.tags], "topics": person.topics}


def _tell(session: Session, import_: Import, people: Sequence[Person], now: datetime) -> None:
    about = {"occurred_at": Every(now), "data": Every({"import": import_.id})}
    record_for_all(session, IMPORTED, [each.known.id for each in people], **about)
    left = [
        happening(UNSUBSCRIBED, each.known.id, now, key=left_key(import_.id, each.known.id), data={"how": "import"})
        for each in people
        if each.became in GONE
    ]
    record(session, left)
