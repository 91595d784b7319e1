"""Keeping memberships: who joined and who left which segment, and when.

One scan evaluates fifteen rules into the bits of a number and compares it with the number of the last scan (`Marks`):
only where they differ is anything written. People touched by events are looked at when the events are recorded;
everybody is looked at by the timetable, for rules about time change their answer without any event.

All writes are differences, so two refreshes at once leave marks and memberships in agreement.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from app.audiences.models import LASTS, Marks, Membership, Segment
from app.audiences.reading import Reader, reader
from app.db import Base, Instant
from app.subscribers.models import Standing
from segments.rule import RuleError

# SQLite binds 32,766 values to a statement at most: fifteen rules of 2,000 (segments.rule.MAX_VALUES) and the people.
SHEET = 15
TOUCHED = 2_000

_moved = Table(
    "moved",
    MetaData(),
    Column("subscriber_id", BigInteger),
    Column("joined", Integer),
    Column("gone", Integer),
    prefixes=["TEMPORARY"],
)


def refresh_touched(session: Session, people: Iterable[int], now: datetime) -> None:
    """Look again at the segments of these people."""
    placed = session.scalars(select(Segment).where(Segment.slot.is_not(None)).order_by(Segment.slot)).all()
    ids = sorted(set(people)) if placed else []
    for start in range(0, len(ids), TOUCHED):
        _refresh(session, placed, now, ids[start : start + TOUCHED])


def refresh_all(session: Session, now: datetime) -> None:
    """Look again at the segments of everybody, count them, take new segments in and let archived ones go."""
    _refresh(session, _place(session), now, None)
    _count(session, now)


def _place(session: Session) -> list[Segment]:
    """Every segment that has or needs a slot, in the order of slots; new ones take the lowest free."""
    wanted = (Segment.slot.is_not(None)) | (Segment.archived_at.is_(None))
    segments = session.scalars(select(Segment).where(wanted).order_by(Segment.id)).all()
    taken = {segment.slot for segment in segments}
    free = (slot for slot in range(len(segments) + len(taken)) if slot not in taken)
    for segment in segments:
        if segment.slot is None:
            segment.slot = next(free)
    session.flush()
    return sorted(segments, key=_slot)


def _slot(segment: Segment) -> int:
    assert segment.slot is not None
    return segment.slot


def _refresh(session: Session, segments: Sequence[Segment], now: datetime, people: list[int] | None) -> None:
    session.execute(CreateTable(_moved, if_not_exists=True))
    words = reader(session, now)
    for sheet, found in groupby(segments, key=lambda segment: _slot(segment) // SHEET):
        compared = _compared(words, sheet, list(found), people)
        moving = insert(_moved).from_select(["subscriber_id", "joined", "gone"], _moving(compared))
        if session.connection().execute(moving).rowcount:
            _write_memberships(session, sheet, now)
            _write_marks(session, sheet)
            session.execute(delete(_moved))


def _compared(words: Reader, sheet: int, segments: list[Segment], people: list[int] | None) -> "Select[int, int, int]":
    """Each person's marks as they are and as the rules say now."""
    before = func.coalesce(Marks.marks, 0)
    after = sum(_bits(words, segments, before), start=literal(0, Integer))
    marks = and_(Marks.sheet == sheet, Marks.subscriber_id == Standing.subscriber_id)
    compared = (
        select(Standing.subscriber_id, before.label("before"), after.label("after"))
        .select_from(Standing)
        .outerjoin(Marks, marks)
    )
    return compared if people is None else compared.where(Standing.subscriber_id.in_(people))


def _bits(words: Reader, segments: list[Segment], before: ColumnElement[int]) -> Iterator[ColumnElement[int]]:
    """What each segment adds: its bit where its rule holds; the old bit while the rule cannot be read."""
    for segment in segments:
        bit = literal(1 << _slot(segment) % SHEET, Integer)
        if segment.archived_at:
            continue
        try:
            yield case((words.people(segment.rule), bit), else_=literal(0, Integer))
        except RuleError:
            yield before.bitwise_and(bit)


def _moving(compared: "Select[int, int, int]") -> "Select[int, int, int]":
    # OFFSET keeps SQLite from merging the two SELECTs, which would evaluate every rule three times.
    each = compared.offset(0).subquery()
    return select(
        each.c.subscriber_id,
        each.c.after.bitwise_and(each.c.before.bitwise_not()),
        each.c.before.bitwise_and(each.c.after.bitwise_not()),
    ).where(each.c.before != each.c.after)


def _write_memberships(session: Session, sheet: int, now: datetime) -> None:
    came, went = _pairs(sheet, _moved.c.joined), _pairs(sheet, _moved.c.gone)
    joining = came.add_columns(literal(LASTS, Instant), literal(now, Instant))
    columns = ["segment_id", "subscriber_id", "left_at", "joined_at"]
    session.execute(_insert(session, Membership).from_select(columns, joining).on_conflict_do_nothing())
    # Who leaves in the second of joining was never in.
    whom = tuple_(Membership.segment_id, Membership.subscriber_id).in_(went)
    never = delete(Membership).where(Membership.left_at == LASTS, Membership.joined_at >= now, whom)
    session.execute(never, execution_options=_BLIND)
    pairs = went.subquery()
    same = and_(Membership.segment_id == pairs.c.segment_id, Membership.subscriber_id == pairs.c.subscriber_id)
    leaving = update(Membership).where(Membership.left_at == LASTS, same).values(left_at=now)
    session.execute(leaving, execution_options=_BLIND)


def _pairs(sheet: int, bits: ColumnElement[int]) -> "Select[int, int]":
    """Segment and person for every bit that is set."""
    bit = literal(1, Integer).bitwise_lshift(Segment.slot % SHEET)
    pairs = select(Segment.id.label("segment_id"), _moved.c.subscriber_id)
    return pairs.join(_moved, bits.bitwise_and(bit) != 0).where(Segment.slot // SHEET == sheet)


def _write_marks(session: Session, sheet: int) -> None:
    # SQLite takes ON CONFLICT after a SELECT only if that has a WHERE.
    new = select(literal(sheet, SmallInteger), _moved.c.subscriber_id, literal(0, Integer)).where(true())
    columns = ["sheet", "subscriber_id", "marks"]
    session.execute(_insert(session, Marks).from_select(columns, new).on_conflict_do_nothing())
    marks = Marks.marks.bitwise_and(_moved.c.gone.bitwise_not()).bitwise_or(_moved.c.joined)
    whose = and_(Marks.sheet == sheet, Marks.subscriber_id == _moved.c.subscriber_id)
    session.execute(update(Marks).where(whose).values(marks=marks), execution_options=_BLIND)


def _count(session: Session, now: datetime) -> None:
    """Write down the sizes; archived segments, which everybody has left, give their slot back."""
    in_it = select(func.count()).where(Membership.segment_id == Segment.id, Membership.left_at == LASTS)
    placed = Segment.slot.is_not(None)
    counted = update(Segment).where(placed).values(size=in_it.scalar_subquery(), refreshed_at=now)
    session.execute(counted)
    session.execute(update(Segment).where(placed, Segment.archived_at.is_not(None)).values(slot=None))


# The session holds no rows of these tables that the statement would have to be told to.
_BLIND = {"synchronize_session": False}


def _insert(session: Session, model: type[Base]) -> Any:
    """An INSERT that knows ON CONFLICT, which has the same form in both databases but no common name in SQLAlchemy."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model)
