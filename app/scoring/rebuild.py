"""Scores from scratch: all events summed in one statement.

A rebuild gives the same integers as adding event by event (`apply.py`), so it may run at any time. It is wanted when
the rules or the half-life changed, and when the landmark is too long ago for 64 bits.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, CTE, BigInteger, Select, cast, func, literal, select, type_coerce, update
from sqlalchemy.orm import Session, aliased

from app.events.models import Event
from app.scoring.models import ScoreClock
from app.scoring.points import Points, points_of, score_clock
from app.subscribers.models import Standing
from segments.score import Decay, day_of

# So many half-lives before the landmark, and earlier, the factor is 0 (segments.score).
FORGOTTEN = 22


def is_due(clock: ScoreClock, now: datetime) -> bool:
    """Whether the stored scores have to be rebuilt."""
    decay = Decay(clock.half_life_days, clock.landmark_day)
    return clock.rebuild_wanted_at is not None or decay.needs_rebase(_today(now))


def want_rebuild(session: Session, now: datetime) -> None:
    """The rules have changed; the caller rings `jobs.keep_scores` once it has committed."""
    session.execute(update(ScoreClock).values(rebuild_wanted_at=now))


def rebuild(session: Session, now: datetime, people: Sequence[int] | None = None) -> None:
    """Sum all events anew, of everybody or of these people; of everybody also in the wanted half-life from today on."""
    clock = score_clock(session, changing=True)
    if clock is None:
        return
    if people is None:
        clock.half_life_days, clock.landmark_day = clock.wanted_half_life_days, _today(now)
        clock.rebuild_wanted_at, clock.rebuilt_at = None, now
        session.flush()
    _write(session, points_of(session, clock), people)


def _write(session: Session, points: Points, people: Sequence[int] | None) -> None:
    summed = sums(session, points, people).subquery()
    person = aliased(Standing)
    scores = select(person.subscriber_id, func.coalesce(summed.c.score, 0).label("score"))
    scores = scores.outerjoin(summed, summed.c.subscriber_id == person.subscriber_id)
    new = (scores if people is None else scores.where(person.subscriber_id.in_(people))).subquery()
    changed = update(Standing).where(Standing.subscriber_id == new.c.subscriber_id, Standing.score != new.c.score)
    session.execute(changed.values(score=new.c.score), execution_options={"synchronize_session": False})


def sums(session: Session, points: Points, people: Sequence[int] | None = None) -> Select[int, int]:
    """SELECT subscriber_id and the score that all her events add up to, for those who have any that count."""
    factors = _factors(session, points)
    score = cast(func.sum(points.worth_sql() * factors.c.factor), BigInteger).label("score")
    counted = select(Event.subscriber_id, score).join(factors, factors.c.day == points.day_sql())
    if people is not None:
        counted = counted.where(Event.subscriber_id.in_(people))
    return counted.where(*points.counting_sql()).group_by(Event.subscriber_id)


def _factors(session: Session, points: Points) -> CTE:
    """day and factor of every day that has events, sent along as one value: SQL multiplies with Python's integers."""
    first, last = _days(session, points.decay)
    values = [factor for _day, factor in points.decay.table(first, last)]
    if session.get_bind().dialect.name == "postgresql":
        given = func.unnest(cast(values, ARRAY(BigInteger))).table_valued("factor", with_ordinality="place")
        each = given.render_derived()
        days = select((each.c.place - 1 + literal(first, BigInteger)).label("day"), each.c.factor)
    else:
        each = func.json_each(json.dumps(values)).table_valued("key", "value")
        days = select((each.c.key + first).label("day"), each.c.value.label("factor"))
    # Read once, not for every event.
    return days.cte("decay").prefix_with("MATERIALIZED")


def _days(session: Session, decay: Decay) -> tuple[int, int]:
    """The first and the last day on which an event can count."""
    seconds = type_coerce(Event.occurred_at, BigInteger)
    first, last = session.execute(select(func.min(seconds), func.max(seconds))).one()
    last_day = min(day_of(last or 0), decay.last_day)
    return min(max(day_of(first or 0), decay.landmark_day - FORGOTTEN * decay.half_life_days), last_day), last_day


def _today(now: datetime) -> int:
    return day_of(int(now.timestamp()))
