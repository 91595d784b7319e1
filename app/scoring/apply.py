"""Adding new events to the scores, as they are recorded.

Rules that the event alone decides are counted in Python. What depends on the database (conditions, caps) is asked of
it once per rule and batch, and not at all where no such rule is about the batch. A late event may push another one over
a cap: so the days and mails of the batch are counted with and without it, and the difference is added.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, select, true, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import utc_now
from app.events.models import Event
from app.importing.batch import as_table, is_among
from app.scoring.counted import counted
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import MAIN, Score, ScoreClock
from app.scoring.points import Points, Rule, all_points, decay_of, score_clock, score_clocks
from app.scoring.rebuild import touch
from app.scoring.tiers import BATCH, change_tiers
from app.subscribers.hold import hold
from app.subscribers.models import Standing
from app.tally import Tally
from segments.score import SECONDS_PER_DAY

Sums = dict[int, Counter[int]]


def tally_scores(session: Session, events: Sequence[Event]) -> Tally:
    """What the events are worth to the main score; to all others it is added here."""
    people = _scored(events)
    clocks = score_clocks(session, sharing=True) if people else []
    # Two batches of one person see each other's events.
    hold(session, people if clocks else ())
    every = all_points(session, clocks) if clocks else []
    sums = _plain_sums(every, events)
    _add_asked(session, every, events, sums)
    _write_aside(session, clocks, people, sums)
    main = {person: {"sum": more} for person, more in sums.get(MAIN, Counter()).items() if more}
    return Tally(Standing, "subscriber_id", main, {"sum": 0}, _more)


def move_scored(session: Session, events: Sequence[Event]) -> None:
    """Move whom the events have carried over a threshold."""
    people = _scored(events)
    clock = score_clock(session) if people else None
    for start in range(0, len(people) if clock else 0, BATCH):
        assert clock is not None
        change_tiers(session, decay_of(clock), utc_now(), people[start : start + BATCH])


def _scored(events: Sequence[Event]) -> list[int]:
    return sorted({event.subscriber_id for event in events if event.kind != TIER_CHANGED.code})


def _plain_sums(every: Sequence[Points], events: Iterable[Event]) -> Sums:
    """By clock and person, what the events earn by rules that need no database."""
    sums: Sums = {points.clock_id: Counter() for points in every}
    by_code: dict[int, list[tuple[Counter[int], Points, Rule]]] = {}
    for points in every:
        for rule in points.rules:
            if rule.is_plain:
                by_code.setdefault(rule.code, []).append((sums[points.clock_id], points, rule))
    for event in events:
        rules = by_code.get(event.kind)
        if rules is None:
            continue
        day, person = int(event.occurred_at.timestamp()) // SECONDS_PER_DAY, event.subscriber_id
        verdict, value = event.verdict, event.value
        for into, points, rule in rules:
            if worth := rule.points_on(day, verdict, value):
                into[person] += points.contribution(worth, day)
    return sums


def _add_asked(session: Session, every: Sequence[Points], events: Sequence[Event], sums: Sums) -> None:
    asked = [(points, rule) for points in every for rule in points.rules if not rule.is_plain]
    codes = {event.kind for event in events} if asked else set()
    asked = [(points, rule) for points, rule in asked if rule.code in codes]
    for points, rule in asked:
        mine = [event for event in events if event.kind == rule.code]
        for person, day, worth in _difference(session, rule, mine):
            sums[points.clock_id][person] += points.contribution(worth, day)


def _difference(session: Session, rule: Rule, events: Sequence[Event]) -> Iterator[tuple[int, int, int]]:
    """Person, day and the hundredths of points by which the batch changed what the rule gives for that day."""
    new = is_among(session, Event.id, [event.id for event in events])
    if not rule.is_capped:
        yield from _by_day(session, rule, new)
        return
    around = [is_among(session, Event.subscriber_id, _people(events))]
    if rule.per_delivery is None:
        days = [int(event.occurred_at.timestamp()) // SECONDS_PER_DAY for event in events]
        seconds = type_coerce(Event.occurred_at, BigInteger)
        around += [seconds >= min(days) * SECONDS_PER_DAY, seconds < (max(days) + 1) * SECONDS_PER_DAY]
    worth = Counter({(person, day): worth for person, day, worth in _by_day(session, rule, *around)})
    worth.subtract({(person, day): worth for person, day, worth in _by_day(session, rule, *around, ~new)})
    yield from ((person, day, change) for (person, day), change in worth.items() if change)


def _by_day(session: Session, rule: Rule, *among: ColumnElement[bool]) -> Iterator[tuple[int, int, int]]:
    each = counted(rule, *among).subquery()
    summed = select(each.c.subscriber_id, each.c.day, func.sum(each.c.worth)).group_by(each.c.subscriber_id, each.c.day)
    for person, day, worth in session.execute(summed):
        yield person, day, int(worth)


def _people(events: Iterable[Event]) -> list[int]:
    return sorted({event.subscriber_id for event in events})


def _write_aside(session: Session, clocks: Sequence[ScoreClock], people: Sequence[int], sums: Sums) -> None:
    for clock in clocks:
        if clock.drafted_to is not None:
            touch(session, clock, people)
        if clock.id == MAIN:
            continue
        changes = {person: sums[clock.id][person] for person in people if sums[clock.id][person]}
        if changes:
            _add_aside(session, clock.id, changes)


def _more(new: Mapping[str, Any]) -> dict[str, Any]:
    return {"score": Standing.score + new["sum"]}


def _add_aside(session: Session, clock_id: int, changes: Mapping[int, int]) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    types = {"clock_id": BigInteger(), "subscriber_id": BigInteger(), "total": BigInteger()}
    rows = as_table(session, types, ((clock_id, person, total) for person, total in changes.items()))
    new = dialect.insert(Score).from_select(list(types), select(rows).where(true()))
    more = {"total": Score.total + new.excluded.total}
    session.execute(new.on_conflict_do_update(index_elements=["clock_id", "subscriber_id"], set_=more))
