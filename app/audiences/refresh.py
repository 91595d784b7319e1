"""Keeping memberships: who joined and who left which segment, and when.

One scan evaluates all rules into the bits of a number and compares it with the number of the last scan (`Marks`): only
where they differ is anything written. More rules than a number has bits, or than one statement can bind the values of,
take another scan each. People touched by a few events are looked at as these are recorded, those of a large batch right
after it (`touched.py`); everybody is looked at by the timetable, for rules about time change their answer without any
event.

All writes are differences, so two refreshes at once leave marks and memberships in agreement.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    and_,
    delete,
    func,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Marks, Membership, Segment
from app.audiences.moved import find_moved, moved, these
from app.audiences.reading import reader
from app.audiences.scan import SHEET, Bit, Whom, asks_memberships, bits_of, scans, slot_of
from app.db import Base, Instant
from app.subscribers.models import Standing

# Of fewer people it does not matter how they are found.
MANY = 1_000


def refresh_touched(session: Session, people: Iterable[int], now: datetime) -> None:
    """Look again at the segments of these people, or of everybody where that is less work."""
    ids = sorted(set(people))
    placed = session.scalars(select(Segment).where(Segment.slot.is_not(None)).order_by(Segment.slot)).all()
    if ids and placed:
        _refresh(session, placed, now, None if _are_most(session, ids) else these(ids))


def _are_most(session: Session, ids: Sequence[int]) -> bool:
    """To be looked up by her key costs somebody three times what a scan of everybody takes for her."""
    highest = session.scalar(select(func.max(Standing.subscriber_id))) or 0
    return len(ids) > MANY and 3 * len(ids) > highest


def refresh_all(session: Session, now: datetime, beside: Session | None = None) -> None:
    """Look again at the segments of everybody, count them, take new segments in and let archived ones go.

    `beside` is a session that reads what was committed, where this one has written nothing that rules ask: it takes
    half of the people at the same time. (On SQLite nobody else writes meanwhile; on PostgreSQL each person is compared
    within one statement, on either.)
    """
    _refresh(session, _place(session), now, None, beside)
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
    return sorted(segments, key=slot_of)


def _refresh(
    session: Session, segments: Sequence[Segment], now: datetime, whom: Whom | None, beside: Session | None = None
) -> None:
    every = list(bits_of(reader(session, now), segments))
    later = [bit for bit in every if asks_memberships(bit)]
    _look(session, [bit for bit in every if not asks_memberships(bit)], now, whom, beside)
    # Each look may move people whom the next rule of a chain asks for; no chain is longer than its rules are many.
    for _bit in later:
        if not _look(session, later, now, whom):
            break


def _look(
    session: Session, bits: Sequence[Bit], now: datetime, whom: Whom | None, beside: Session | None = None
) -> bool:
    """Ask these rules and write down who moved; whether anybody did."""
    has_moved = False
    for sheet, scan in scans(bits):
        if find_moved(session, sheet, scan, whom, beside):
            has_moved = True
            _write_memberships(session, sheet, now)
            _write_marks(session, sheet)
    return has_moved


def _write_memberships(session: Session, sheet: int, now: datetime) -> None:
    came, went = _pairs(sheet, moved.c.joined), _pairs(sheet, moved.c.gone)
    joining = came.add_columns(literal(now, Instant))
    columns = ["segment_id", "left_at", "subscriber_id", "joined_at"]
    session.execute(_insert(session, Membership).from_select(columns, joining).on_conflict_do_nothing())
    # Who leaves in the second of joining was never in.
    key = tuple_(Membership.segment_id, Membership.left_at, Membership.subscriber_id)
    # By the whole key: as a join, SQLite would read every membership there is.
    theirs = key.in_(went)
    session.execute(delete(Membership).where(theirs, Membership.joined_at >= now), execution_options=_BLIND)
    session.execute(update(Membership).where(theirs).values(left_at=now), execution_options=_BLIND)


def _pairs(sheet: int, bits: ColumnElement[int]) -> "Select[int, datetime, int]":
    """The key of a lasting membership for every bit that is set: segment, LASTS, person."""
    bit = literal(1, BigInteger).bitwise_lshift(Segment.slot % SHEET)
    pairs = select(Segment.id, literal(LASTS, Instant), moved.c.subscriber_id).select_from(Segment)
    return pairs.join(moved, bits.bitwise_and(bit) != 0).where(Segment.slot // SHEET == sheet)


def _write_marks(session: Session, sheet: int) -> None:
    # SQLite takes ON CONFLICT after a SELECT only if that has a WHERE.
    new = select(literal(sheet, SmallInteger), moved.c.subscriber_id, literal(0, BigInteger)).where(true())
    columns = ["sheet", "subscriber_id", "marks"]
    session.execute(_insert(session, Marks).from_select(columns, new).on_conflict_do_nothing())
    marks = Marks.marks.bitwise_and(moved.c.gone.bitwise_not()).bitwise_or(moved.c.joined)
    whose = and_(Marks.sheet == sheet, Marks.subscriber_id == moved.c.subscriber_id)
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
