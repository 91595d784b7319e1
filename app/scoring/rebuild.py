"""Scores from scratch: a few people at once, or everybody in stretches that let events in between.

A rebuild gives the same integers as adding event by event (`apply.py`), so it may run at any time. It is wanted when
the rules or the half-life changed, and when the landmark is too long ago for 64 bits.

*Everybody.* Sums that change are drafted, a stretch of people per transaction, while the old ones stay in force: pages
and tiers never see a mixture. Whoever is touched by events meanwhile is marked (`touch`). The last step sums those once
more and puts all of it in force. A stretch locks the clock: no event falls between. The last step locks the people
before, as all do who add to them: the other way round it would wait for a batch of events that waits for the clock.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SmallInteger,
    Subquery,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.changes import numbers
from app.db import one_of
from app.events.models import Event
from app.scoring.models import MAIN, Score, ScoreClock, ScoreDraft
from app.scoring.points import Points, all_points, decay_of, score_clocks, today
from app.scoring.sums import sums
from app.subscribers.hold import hold_all
from app.subscribers.models import Standing
from segments.score import Decay

# People whose sums are drafted in one transaction.
STRETCH = 50_000
_SILENT = {"synchronize_session": False}


def is_due(clock: ScoreClock, now: datetime) -> bool:
    """Whether the stored scores have to be rebuilt."""
    return clock.rebuild_wanted_at is not None or decay_of(clock).needs_rebase(today(now))


def hold_for_rebuild(session: Session, now: datetime) -> None:
    """Lock everybody, if the next step of the rebuild that is due is its last one; before the clocks are locked."""
    clock = next((clock for clock in score_clocks(session) if is_due(clock, now)), None)
    if clock and clock.drafted_to is not None and _end_of_stretch(session, clock.drafted_to) is None:
        hold_all(session)


def want_rebuild(session: Session, now: datetime, clock_ids: Sequence[int] = (MAIN,)) -> None:
    """The rules have changed: what was drafted by the old ones goes. The caller rings `jobs.keep_scores` later."""
    session.execute(delete(ScoreDraft).where(ScoreDraft.clock_id.in_(clock_ids)), execution_options=_SILENT)
    wanted = update(ScoreClock).where(ScoreClock.id.in_(clock_ids))
    session.execute(wanted.values(rebuild_wanted_at=now, drafted_to=None, draft_landmark_day=None))


def rebuild(session: Session, now: datetime, people: Sequence[int] | None = None) -> None:
    """Sum all events anew, of everybody or of these people; of everybody also in the wanted half-life."""
    for clock in score_clocks(session, changing=True):
        if people is None:
            want_rebuild(session, now, [clock.id])
            session.refresh(clock)
            while rebuild_step(session, clock, now):
                pass
        else:
            _sum_anew(session, clock, people)


def rebuild_step(session: Session, clock: ScoreClock, now: datetime) -> bool:
    """Draft the sums of the next stretch of people; False when there was none left and the draft is in force now.

    The clock must be locked by the caller.
    """
    if clock.drafted_to is None:
        clock.drafted_to, clock.draft_landmark_day = 0, _landmark(clock, now)
    upper = _end_of_stretch(session, clock.drafted_to)
    points = _drafted(session, clock)
    if upper is None:
        _put_in_force(session, clock, points, now)
        return False
    stretch = Event.subscriber_id.between(clock.drafted_to + 1, upper)
    _draft(session, points, Standing.subscriber_id.between(clock.drafted_to + 1, upper), stretch)
    clock.drafted_to = upper
    session.flush()
    return True


def _landmark(clock: ScoreClock, now: datetime) -> int:
    """The old one as long as it serves: then only those whose score changed are written."""
    if clock.half_life_days == clock.wanted_half_life_days and not decay_of(clock).needs_rebase(today(now)):
        return clock.landmark_day
    return today(now)


def _drafted(session: Session, clock: ScoreClock) -> Points:
    assert clock.draft_landmark_day is not None
    (points,) = all_points(session, [clock])
    return Points(points.rules, Decay(clock.wanted_half_life_days, clock.draft_landmark_day), clock.id)


def _end_of_stretch(session: Session, after: int) -> int | None:
    stretch = select(Standing.subscriber_id).where(Standing.subscriber_id > after)
    ids = stretch.order_by(Standing.subscriber_id).limit(STRETCH).subquery()
    upper: int | None = session.scalar(select(func.max(ids.c.subscriber_id)))
    return upper


def _draft(session: Session, points: Points, people: ColumnElement[bool], events: ColumnElement[bool]) -> None:
    new = _summed(session, points, people, events)
    changed = select(literal(points.clock_id, SmallInteger), new.c.subscriber_id, new.c.total)
    changed = changed.where(new.c.total != new.c.stored)
    session.execute(insert(ScoreDraft).from_select(["clock_id", "subscriber_id", "total"], changed))


def _summed(session: Session, points: Points, people: ColumnElement[bool], events: ColumnElement[bool]) -> Subquery:
    """The new and the stored total of each of these people."""
    summed = sums(session, points, events).subquery()
    total = func.coalesce(summed.c.total, literal(0, BigInteger)).label("total")
    mine = and_(Score.clock_id == points.clock_id, Score.subscriber_id == Standing.subscriber_id)
    stored = Standing.score if points.clock_id == MAIN else func.coalesce(Score.total, literal(0, BigInteger))
    found = select(Standing.subscriber_id, total, stored.label("stored")).where(people)
    found = found.outerjoin(summed, summed.c.subscriber_id == Standing.subscriber_id)
    return (found if points.clock_id == MAIN else found.outerjoin(Score, mine)).subquery()


def touch(session: Session, clock: ScoreClock, people: Sequence[int]) -> None:
    """Something happened to these people, or their sums are made anew: what is drafted of them is no more so."""
    drafted = sorted({person for person in people if clock.drafted_to is not None and person <= clock.drafted_to})
    if drafted:
        theirs = and_(ScoreDraft.clock_id == clock.id, one_of(ScoreDraft.subscriber_id, drafted))
        session.execute(delete(ScoreDraft).where(theirs), execution_options=_SILENT)
        marked = select(literal(clock.id, SmallInteger), numbers(session, id=drafted).c.id)
        session.execute(insert(ScoreDraft).from_select(["clock_id", "subscriber_id"], marked))


def _sum_touched(session: Session, points: Points, mine: ColumnElement[bool]) -> None:
    touched = select(ScoreDraft.subscriber_id).where(mine, ScoreDraft.total.is_(None))
    if session.scalar(touched.limit(1)) is None:
        return
    new = _summed(session, points, Standing.subscriber_id.in_(touched), Event.subscriber_id.in_(touched))
    again = update(ScoreDraft).where(mine, ScoreDraft.subscriber_id == new.c.subscriber_id)
    session.execute(again.values(total=new.c.total), execution_options=_SILENT)


def _put_in_force(session: Session, clock: ScoreClock, points: Points, now: datetime) -> None:
    mine = ScoreDraft.clock_id == clock.id
    if session.get_bind().dialect.name == "postgresql":
        # It would look for each person of what it believes to be an empty table.
        session.execute(text("ANALYZE score_draft"))
    _sum_touched(session, points, mine)
    _take_over(session, clock.id, mine)
    clock.half_life_days, clock.landmark_day = points.decay.half_life_days, points.decay.landmark_day
    clock.rebuild_wanted_at, clock.rebuilt_at = None, now
    clock.drafted_to = clock.draft_landmark_day = None
    session.flush()


def _take_over(session: Session, clock_id: int, whose: ColumnElement[bool]) -> None:
    """Make the drafted sums the stored ones."""
    if clock_id == MAIN:
        same = Standing.subscriber_id == ScoreDraft.subscriber_id
        changed = update(Standing).where(same, whose, Standing.score != ScoreDraft.total)
        session.execute(changed.values(score=ScoreDraft.total), execution_options=_SILENT)
    else:
        drafted = select(ScoreDraft.subscriber_id).where(whose)
        old = delete(Score).where(Score.clock_id == clock_id, Score.subscriber_id.in_(drafted))
        session.execute(old, execution_options=_SILENT)
        new = select(ScoreDraft.clock_id, ScoreDraft.subscriber_id, ScoreDraft.total).where(
            whose, ScoreDraft.total != 0
        )
        session.execute(insert(Score).from_select(["clock_id", "subscriber_id", "total"], new))
    session.execute(delete(ScoreDraft).where(whose), execution_options=_SILENT)


def _sum_anew(session: Session, clock: ScoreClock, people: Sequence[int]) -> None:
    """Of a few, in the decay in force; where a rebuild has drafted their sums already, it will look at them again."""
    (points,) = all_points(session, [clock])
    drafted = and_(ScoreDraft.clock_id == clock.id, one_of(ScoreDraft.subscriber_id, people))
    session.execute(delete(ScoreDraft).where(drafted), execution_options=_SILENT)
    whose, events = (one_of(each, people) for each in (Standing.subscriber_id, Event.subscriber_id))
    _draft(session, points, whose, events)
    _take_over(session, clock.id, drafted)
    touch(session, clock, people)
