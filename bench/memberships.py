"""Memberships beside SQL written by hand: all segments of everybody, of 5,000 people, and a day of the past.

`bench.scores` runs it. The yardstick of a refresh is to count each rule alone, with the conditions that the house
itself compiles: no refresh that asks every rule can need less, unless it asks them together.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audiences.history import compare
from app.audiences.models import Segment
from app.audiences.reading import reader, side_by_side
from app.audiences.refresh import refresh_all, refresh_touched
from app.db import reading, transaction, utc_now
from app.subscribers.models import Standing
from bench.worlds import Case

TOUCHED = 5000
ROUNDS = 3
_DAY = """SELECT COUNT(*) FROM membership WHERE segment_id = :segment AND joined_at <= :then AND left_at > :then
    UNION ALL SELECT COUNT(*) FROM membership WHERE segment_id = :segment AND left_at = 253402214400
    UNION ALL SELECT COUNT(*) FROM membership a JOIN membership b ON b.subscriber_id = a.subscriber_id
        AND b.segment_id = a.segment_id AND b.left_at = 253402214400
        WHERE a.segment_id = :segment AND a.joined_at <= :then AND a.left_at > :then"""


def cases() -> Iterator[tuple[str, Case]]:
    """What days have done to the segments of a world is written down first; the refreshes that are measured are not."""
    with reading() as session:
        highest = session.scalar(select(func.max(Standing.subscriber_id))) or 1
        people = session.scalar(select(func.count()).select_from(Standing)) or 0
        alone = _least(lambda: _count_each(session, None))
        ids = random.Random(5).sample(range(1, highest + 1), min(TOUCHED, highest))
        few = _least(lambda: _count_each(session, ids))
    with transaction() as session:
        refresh_all(session, utc_now())
    yield "memberships of all", Case(_least(_refresh), alone, people)
    with transaction() as session:
        ours = _least(lambda: refresh_touched(session, ids, utc_now()))
        yield f"memberships of {len(ids):,} touched", Case(ours, few, len(ids))
        session.rollback()
    with reading() as session:
        segment, then = session.scalar(select(func.min(Segment.id))) or 1, utc_now() - timedelta(days=200)
        values = {"segment": segment, "then": int(then.timestamp())}
        by_hand = _least(lambda: session.execute(text(_DAY), values).all())
        yield "a day of the past, compared", Case(_least(lambda: compare(session, segment, then)), by_hand, people)


def _refresh() -> None:
    """As the job does it."""
    with transaction() as session, reading() as beside:
        refresh_all(session, utc_now(), beside)
        session.rollback()


def _least(work: Callable[[], object]) -> float:
    return min(_seconds(work) for _ in range(ROUNDS))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _count_each(session: Session, ids: list[int] | None) -> None:
    words = reader(session, utc_now())
    for segment in session.scalars(select(Segment)):
        people = words.people(segment.rule, side_by_side=True)
        counted = select(func.count()).select_from(side_by_side(people)).where(people)
        session.scalar(counted if ids is None else counted.where(Standing.subscriber_id.in_(ids)))
