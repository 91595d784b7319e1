"""Where somebody's score comes from: the entries that add up to it, to the last digit that is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import EventKind, house
from app.scoring.counted import entries
from app.scoring.models import MAIN, Score, ScoreClock, Tier
from app.scoring.points import Points, Rule, points_of, score_clock, today
from app.scoring.tiers import all_tiers
from app.subscribers.models import Standing
from segments.score import HUNDREDTHS, day_of


@dataclass(frozen=True, slots=True)
class Entry:
    """What one event earned by one rule: hundredths of points on its day, and what is left of them now.

    What is left is cut so that the entries from the oldest to any other add up to the score at that point, cut alike:
    each stands for itself to a hundredth, and all together for the score exactly.
    """

    kind: EventKind
    rule: Rule
    occurred_at: datetime
    campaign_id: int | None
    value: int | None
    hundredths: int
    hundredths_now: int

    @property
    def points(self) -> float:
        return self.hundredths / HUNDREDTHS

    @property
    def points_now(self) -> float:
        return self.hundredths_now / HUNDREDTHS


@dataclass(frozen=True)
class Explanation:
    """The entries of a named score, newest first; `stored` is what is stored, in hundredths of points of today.

    The tiers are those of the main score, and None for others.
    """

    clock: ScoreClock
    entries: tuple[Entry, ...]
    score: float
    stored: int
    tier: Tier | None
    tier_since: datetime | None
    next_tier: Tier | None

    @property
    def total(self) -> float:
        """The entries together."""
        return self.hundredths / HUNDREDTHS

    @cached_property
    def hundredths(self) -> int:
        return sum(entry.hundredths_now for entry in self.entries)

    @property
    def agrees(self) -> bool:
        """Whether the entries add up to the score; not while a rebuild is waited for."""
        return self.hundredths == self.stored

    @property
    def by_rule(self) -> list[tuple[Rule, int, float]]:
        """How many entries each rule gave, and what is left of them together; most first."""
        found: dict[Rule, tuple[int, int]] = {}
        for entry in self.entries:
            number, together = found.get(entry.rule, (0, 0))
            found[entry.rule] = number + 1, together + entry.hundredths_now
        ordered = sorted(found.items(), key=lambda item: -item[1][1])
        return [(rule, number, together / HUNDREDTHS) for rule, (number, together) in ordered]


def explain_score(session: Session, subscriber_id: int, now: datetime, clock_id: int = MAIN) -> Explanation | None:
    """A score of one person in full; None for nobody, no such score, or before the first-run setup."""
    clock = score_clock(session, clock_id)
    standing = session.get(Standing, subscriber_id, populate_existing=True)
    if clock is None or standing is None:
        return None
    points, day = points_of(session, clock), today(now)
    stored = standing.score if clock_id == MAIN else _aside(session, clock_id, subscriber_id)
    score = points.decay.value(stored, day)
    tiers = all_tiers(session) if clock_id == MAIN else []
    return Explanation(
        clock=clock,
        entries=tuple(reversed(_entries(session, points, subscriber_id, day))),
        score=score,
        stored=stored // points.decay.factor(day),
        tier=next((tier for tier in tiers if tier.id == standing.tier_id), None),
        tier_since=standing.tier_since if tiers else None,
        next_tier=next((tier for tier in tiers if tier.threshold > score), None),
    )


def _aside(session: Session, clock_id: int, subscriber_id: int) -> int:
    mine = (Score.clock_id == clock_id, Score.subscriber_id == subscriber_id)
    return session.scalar(select(Score.total).where(*mine)) or 0


def _entries(session: Session, points: Points, subscriber_id: int, day: int) -> Sequence[Entry]:
    """Oldest first."""
    if not points.rules:
        return []
    selects = entries(points, Event.subscriber_id == subscriber_id)
    rows = session.execute(union_all(*selects)).all()
    wanted = select(Event).where(Event.subscriber_id == subscriber_id)
    events = {
        event.id: event for event in session.scalars(wanted.where(Event.kind.in_({r.code for r in points.rules})))
    }
    found = [(events[event_id], points.rules[place], int(worth)) for event_id, _whose, _day, worth, place in rows]
    found.sort(key=lambda each: (each[0].occurred_at, each[0].id))
    return list(_cut(points, found, points.decay.factor(day)))


def _cut(points: Points, found: Iterable[tuple[Event, Rule, int]], unit: int) -> Iterable[Entry]:
    so_far = 0
    for event, rule, worth in found:
        kind = house().kind_of(event.kind)
        assert kind is not None
        before = so_far // unit
        so_far += points.contribution(worth, day_of(int(event.occurred_at.timestamp())))
        at, campaign, value = event.occurred_at, event.campaign_id, event.value
        yield Entry(kind, rule, at, campaign, value, worth, so_far // unit - before)
