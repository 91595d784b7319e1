"""The rules of points in force: what an event is worth to each score, in Python and in SQL, to the last bit the same.

In charge of which events a rule is about. Not of: the arithmetic (`segments.score`), caps (`counted.py`), nor of
writing scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, false, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.events.models import Event, Verdict
from app.feature import house
from app.scoring.models import MAIN, ScoreClock, ScoreRule
from segments.score import SECONDS_PER_DAY, Decay, ScoringRule, day_of

# A proxy that fetches a picture does so for somebody who reads; one that follows a link need not (TRUST T7).
ONLY_HUMAN = frozenset({"clicked"})
MOST_CLOCKS = 32_000
# Far enough back that no day is negative: databases divide towards zero, Python divides down.
_DAYS_BACK = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A `ScoreRule` as it counts; `code` is of its kind of event. An event may earn by several rules."""

    code: int
    worth: ScoringRule
    conditions: tuple[tuple[str, str], ...] = ()
    first_day: int | None = None
    last_day: int | None = None
    per_day: int | None = None
    per_delivery: int | None = None
    # Whose it is: the row it was read from, None in a plan that is not saved.
    id: int | None = field(default=None, compare=False)

    @property
    def is_capped(self) -> bool:
        """Whether what an event earns depends on other events."""
        return self.per_day is not None or self.per_delivery is not None

    @property
    def is_plain(self) -> bool:
        """Whether the event alone says what it earns, without asking the database."""
        return not (self.is_capped or self.conditions)

    def points_on(self, day: int, verdict: Verdict | None, value: int | None) -> int:
        """Hundredths of points of an event of this kind, by a plain rule."""
        if self.first_day is not None and day < self.first_day:
            return 0
        if self.last_day is not None and day > self.last_day:
            return 0
        return self.worth.points_for(self.worth.kind, value) if self._counts(verdict) else 0

    def _counts(self, verdict: Verdict | None) -> bool:
        if verdict is None or verdict is Verdict.HUMAN:
            return True
        return verdict is Verdict.PROXY and self.worth.kind not in ONLY_HUMAN

    @property
    def is_always(self) -> bool:
        """Whether every event of its kind counts that a reader caused."""
        return self.is_plain and self.first_day is None and self.last_day is None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of whom an event must be, where anybody caused it."""
        return (Verdict.HUMAN,) if self.worth.kind in ONLY_HUMAN else (Verdict.HUMAN, Verdict.PROXY)

    def matches_sql(self) -> list[ColumnElement[bool]]:
        """The condition over Event that the rule is about it, caps aside."""
        found = [Event.kind == self.code, caused_by(self.verdicts)]
        seconds = type_coerce(Event.occurred_at, BigInteger)
        if self.first_day is not None:
            found.append(seconds >= self.first_day * SECONDS_PER_DAY)
        if self.last_day is not None:
            found.append(seconds < (self.last_day + 1) * SECONDS_PER_DAY)
        known = house().score_conditions
        # A condition of a feature that was taken out is met by nothing.
        found += [known[name].sql(value) if name in known else false() for name, value in self.conditions]
        return found

    def points_sql(self) -> ColumnElement[int]:
        """What an event that matches is worth, in hundredths."""
        return self.worth.points_sql(Event.value.expression)


def caused_by(verdicts: Sequence[Verdict]) -> ColumnElement[bool]:
    """The condition over Event that it is of these, or of nobody whose verdict was asked."""
    return or_(Event.verdict.is_(None), Event.verdict.in_(verdicts))


@dataclass(frozen=True, slots=True)
class Points:
    """The rules of one score, and the decay it is summed in."""

    rules: Sequence[Rule]
    decay: Decay
    clock_id: int = MAIN

    def contribution(self, points: int, day: int) -> int:
        """What hundredths of points on a day add to the stored sum."""
        return points * self.decay.factor(min(day, self.decay.last_day))

    def uncapped(self) -> Mapping[int, list[Rule]]:
        """The rules without caps, by the code of their kind."""
        found: dict[int, list[Rule]] = {}
        for rule in self.rules:
            if not rule.is_capped:
                found.setdefault(rule.code, []).append(rule)
        return found


def day_sql() -> ColumnElement[int]:
    """The UTC day of an Event, as `segments.score.day_of`."""
    seconds = type_coerce(Event.occurred_at, BigInteger) + _DAYS_BACK * SECONDS_PER_DAY
    return seconds // SECONDS_PER_DAY - _DAYS_BACK


def decay_of(clock: ScoreClock) -> Decay:
    """The decay in force."""
    return Decay(clock.half_life_days, clock.landmark_day)


def today(now: datetime) -> int:
    """The UTC day of now."""
    return day_of(int(now.timestamp()))


def score_clock(session: Session, clock_id: int = MAIN, *, changing: bool = False) -> ScoreClock | None:
    """The clock of a score; None before the first-run setup.

    Those who add to scores share locks on the clocks that a rebuild does not: no event falls between the two.
    """
    found = select(ScoreClock).where(ScoreClock.id == clock_id).execution_options(populate_existing=True)
    # No id of another size fits the column.
    return session.scalar(found.with_for_update() if changing else found) if 0 < clock_id < MOST_CLOCKS else None


def score_clocks(session: Session, *, sharing: bool = False, changing: bool = False) -> list[ScoreClock]:
    """The clocks of all scores, the main one first; none before the first-run setup."""
    found = select(ScoreClock).order_by(ScoreClock.id).execution_options(populate_existing=True)
    if sharing or changing:
        found = found.with_for_update(read=not changing)
    return list(session.scalars(found))


def points_of(session: Session, clock: ScoreClock) -> Points:
    """The rules of a score as they are stored, in the decay in force."""
    return all_points(session, [clock])[0]


def all_points(session: Session, clocks: Sequence[ScoreClock]) -> list[Points]:
    """`points_of` each of these."""
    # Past the ORM, for this is asked with every batch of events.
    rows = session.execute(select(*ScoreRule.__table__.c).order_by(ScoreRule.id)).all()
    return [
        Points(rules_of(row for row in rows if row.clock_id == clock.id), decay_of(clock), clock.id) for clock in clocks
    ]


def rules_of(rows: Iterable[Any]) -> list[Rule]:
    """Rows as rules; those of a feature that was taken out, or worth nothing, are left out."""
    kinds = house().kinds
    return [
        Rule(
            kinds[row.kind].code,
            ScoringRule(row.kind, row.points, row.per_amount),
            tuple(sorted((row.conditions or {}).items())),
            row.first_day,
            row.last_day,
            row.per_day,
            row.per_delivery,
            row.id,
        )
        for row in rows
        if row.kind in kinds and (row.points or row.per_amount)
    ]
