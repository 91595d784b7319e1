"""Does what was planned: each table that a batch touches is written by one statement.

The transaction is the caller's, and so is the count of what was done: what is written here is exactly the plan. Every
person that was made or changed gets an ImportChange, from which `undo` takes it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, Table, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from app.bulk import insert_rows
from app.db import Base
from app.events.record import happening, record
from app.importing.batch import as_table
from app.importing.importer import Plan
from app.importing.models import Import, ImportChange
from app.subscribers.importing.newcomers import GONE, add
from app.subscribers.importing.options import Options
from app.subscribers.importing.plan import PROFILE, STATE, Person, Work
from app.subscribers.importing.proof import Said, keep_proof
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

_BARS = {Status.BOUNCED: SuppressionReason.BOUNCED, Status.COMPLAINED: SuppressionReason.COMPLAINED}


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:
    """Write the people of a plan."""
    work: Work = plan.work
    people, options = work.touched, Options.model_validate(import_.options)
    names = {*work.newcomers.tags(options), *(name for each in people for name in each.tags)}
    tag_ids = _tag_ids(session, names) if len(work.newcomers) or people else {}
    gone = add(session, import_, work.newcomers, options, tag_ids, now)
    write_columns(session, {each.id: each.values for each in people if each.changes})
    _tag(session, people, tag_ids)
    _subscribe(session, people, now)
    left = [each for each in people if each.became in GONE]
    _end(session, left, now)
    _bar(session, [*gone, *((each.address_hash, each.values["status"]) for each in left)], now)
    active = [each for each in people if each.became is Status.ACTIVE]
    keep_proof(session, import_, options, [_said(each, now) for each in active], TrackingMode.NONE)
    _keep_changes(session, import_, people, tag_ids)
    _tell(session, import_, people, now)


def event_key(import_id: int, subscriber_id: int, what: str = "imported") -> str:
    """The key of an event that an import made, by which undoing finds it."""
    return f"import:{import_id}:{subscriber_id}:{what}"


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


def _table(session: Session, table: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    columns = _columns(table)
    return as_table(session, {name: columns[name] for name in names}, rows)


def _columns(table: type[Base]) -> dict[str, "TypeEngine[Any]"]:
    stored = table.__table__
    assert isinstance(stored, Table)
    return {column.name: column.type for column in stored.columns}


def _tag_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    wanted = [(name,) for name in sorted(names)]
    if not wanted:
        return {}
    session.execute(merge_rows(session, Tag, ("name",), wanted).on_conflict_do_nothing())
    asked = as_table(session, {"name": String()}, wanted)
    return dict(session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(select(asked.c.name)))).all())


def _tag(session: Session, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    rows = [(tag_ids[name], each.id) for each in people for name in each.tags]
    if rows:
        statement = merge_rows(session, SubscriberTag, ("tag_id", "subscriber_id"), rows)
        session.execute(statement.on_conflict_do_nothing())


def _subscribe(session: Session, people: Sequence[Person], now: datetime) -> None:
    rows = [(topic, each.id, now) for each in people for topic in each.topics]
    if rows:
        statement = merge_rows(session, Subscription, ("topic_id", "subscriber_id", "subscribed_at"), rows)
        session.execute(statement.on_conflict_do_nothing())


def _end(session: Session, people: Sequence[Person], now: datetime) -> None:
    """The file says that they have left: nothing they had lasts."""
    if people:
        gone = as_table(session, {"id": BigInteger()}, ((each.id,) for each in people))
        lasting = update(Subscription).where(Subscription.ended_at.is_(None))
        valid = update(ConsentRecord).where(ConsentRecord.withdrawn_at.is_(None))
        session.execute(lasting.where(Subscription.subscriber_id.in_(select(gone.c.id))).values(ended_at=now))
        session.execute(valid.where(ConsentRecord.subscriber_id.in_(select(gone.c.id))).values(withdrawn_at=now))


def _bar(session: Session, gone: Iterable[tuple[str, Status]], now: datetime) -> None:
    """Dead and angry addresses are never written to again."""
    bars = [(each, _BARS[status], now) for each, status in gone if status in _BARS]
    if bars:
        names = ("address_hash", "reason", "created_at")
        session.execute(merge_rows(session, Suppression, names, bars).on_conflict_do_nothing())


def _said(person: Person, now: datetime) -> Said:
    said = person.row.values
    return person.id, said["email"].email, said.get("agreed_at", now), said.get("agreed_ip")


def _keep_changes(session: Session, import_: Import, people: Sequence[Person], tag_ids: Mapping[str, int]) -> None:
    rows = [(import_.id, each.id, _change(each, tag_ids)) for each in people]
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
        if each.became in GONE
    ]
    record(session, happenings)
