"""Adding new events to the scores, as they are recorded.

Rules that the event alone decides are counted in Python. What depends on the database (conditions, caps) is asked of
it once per rule and batch, and not at all where no such rule is about the batch. A late event may push another one over
a cap: so the days and mails of the batch are counted with and without it, and the difference is added.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, select, true, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import one_of, utc_now
from app.events.batch import NewEvents
from app.events.models import READERS, Event, Verdict
from app.importing.batch import as_table
from app.scoring.counted import counted
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import MAIN, Score, ScoreClock
from app.scoring.points import Points, Rule, all_points, score_clocks
from app.scoring.rebuild import touch
from app.scoring.tiers import watch_tiers
from app.subscribers.hold import hold
from app.subscribers.models import Standing
from app.tally import Tally
from segments.score import SECONDS_PER_DAY

_VERDICTS = list(Verdict)

# By clock and person.
Sums = dict[int, defaultdict[int, int]]
_Worth = list[tuple[defaultdict[int, int], int]]


def tally_scores(session: Session, events: NewEvents) -> Tally:
    """What the events are worth to the main score; to all others it is added here."""
    people = _scored(events)
    clocks = score_clocks(session, sharing=True) if people else []
    # Two batches of one person see each other's events.
    hold(session, people if clocks else ())
    every = all_points(session, clocks) if clocks else []
    sums: Sums = {points.clock_id: defaultdict(int) for points in every}
    _add_plain(every, events, sums)
    _add_asked(session, every, events, sums)
    _write_aside(session, clocks, people, sums)
    main = {person: (more,) for person, more in sums.get(MAIN, {}).items() if more}
    others = sorted(_not_by_machines(events).intersection(people).difference(main))
    watch = watch_tiers(session, every[0].decay, utc_now(), others) if every else None
    return Tally(Standing, "subscriber_id", ("sum",), main, (0,), _more, watch)


def _scored(events: NewEvents) -> list[int]:
    if TIER_CHANGED.code not in events.kinds:
        return events.people
    mine = zip(events.kind, events.subscriber_id, strict=True)
    return sorted({person for kind, person in mine if kind != TIER_CHANGED.code})


def _not_by_machines(events: NewEvents) -> set[int]:
    """Whom something happened to that no machine did: nobody moves because of those."""
    caused = zip(events.subscriber_id, events.verdict, strict=True)
    return {person for person, verdict in caused if verdict is None or verdict in READERS}


def _add_plain(every: Sequence[Points], events: NewEvents, sums: Sums) -> None:
    """By clock and person, what the events earn by rules that need no database: the same for all that are alike."""
    known: dict[tuple[int, int, int | None, int | None], _Worth] = {}
    days = [second // SECONDS_PER_DAY for second in events.occurred_at]
    alike = zip(events.kind, days, events.verdict, events.value, strict=True)
    for person, each in zip(events.subscriber_id, alike, strict=True):
        worth = known.get(each)
        if worth is None:
            worth = known[each] = _worth(every, sums, *each)
        for into, more in worth:
            into[person] += more


def _worth(every: Sequence[Points], sums: Sums, kind: int, day: int, verdict: int | None, value: int | None) -> _Worth:
    by_rule = (
        (points, rule.points_on(day, None if verdict is None else _VERDICTS[verdict], value))
        for points in every
        for rule in points.rules
        if rule.is_plain and rule.code == kind
    )
    return [(sums[points.clock_id], points.contribution(worth, day)) for points, worth in by_rule if worth]


def _add_asked(session: Session, every: Sequence[Points], events: NewEvents, sums: Sums) -> None:
    asked = [(points, rule) for points in every for rule in points.rules if not rule.is_plain]
    for points, rule in asked:
        mine = events.of(rule.code, "id", "subscriber_id", "occurred_at")
        for person, day, worth in _difference(session, rule, mine) if mine else ():
            sums[points.clock_id][person] += points.contribution(worth, day)


def _difference(session: Session, rule: Rule, events: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Person, day and the hundredths of points by which the batch changed what the rule gives for that day.

    `events` are the ids of those of the rule's kind, whose they are, and when.
    """
    ids, people, moments = zip(*events, strict=True)
    new = one_of(Event.id, ids)
    if not rule.is_capped:
        yield from _by_day(session, rule, new)
        return
    around = [one_of(Event.subscriber_id, sorted(set(people)))]
    if rule.per_delivery is None:
        days = [second // SECONDS_PER_DAY for second in moments]
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


def _write_aside(session: Session, clocks: Sequence[ScoreClock], people: Sequence[int], sums: Sums) -> None:
    for clock in clocks:
        if clock.drafted_to is not None:
            touch(session, clock, people)
        if clock.id == MAIN:
            continue
        changes = {person: more for person, more in sorted(sums[clock.id].items()) if more}
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
