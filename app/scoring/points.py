"""The table of points in force: what an event is worth, in Python and in SQL, to the last bit the same.

In charge of which events count at all. Not of: the arithmetic (`segments.score`), nor of writing scores.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, case, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.events.models import Event, Verdict
from app.feature import house
from app.scoring.models import ScoreClock, ScoreRule
from segments.score import SECONDS_PER_DAY, Decay, ScoringRule, day_of

# A proxy that fetches a picture does so for somebody who reads; one that follows a link need not (TRUST T7).
ONLY_HUMAN = frozenset({"clicked"})
# Far enough back that no day is negative: databases divide towards zero, Python divides down.
_DAYS_BACK = 1_000_000


@dataclass(frozen=True, slots=True)
class Points:
    """Rules by the code of their kind, and the decay they are summed in."""

    rules: Mapping[int, ScoringRule]
    decay: Decay

    def worth(self, event: Event) -> int:
        """Hundredths of points of an event, 0 if it does not count."""
        rule = self.rules.get(event.kind)
        if rule is None or not _counts(rule, event.verdict):
            return 0
        return rule.points_for(rule.kind, event.value)

    def contribution(self, event: Event) -> int:
        """What an event adds to the stored score."""
        return self.worth(event) * self.decay.factor(self.day(event.occurred_at))

    def day(self, occurred_at: datetime) -> int:
        """The day an event counts on: one too far in the future for the decay counts on its last day."""
        return min(day_of(int(occurred_at.timestamp())), self.decay.last_day)

    def worth_sql(self) -> ColumnElement[int]:
        """`worth` over Event, for events that `counting_sql` lets through."""
        worth = [(Event.kind == code, rule.points_sql(Event.value.expression)) for code, rule in self.rules.items()]
        return case(*worth, else_=0)

    def counting_sql(self) -> list[ColumnElement[bool]]:
        """The condition over Event that it may count."""
        only_human = [code for code, rule in self.rules.items() if rule.kind in ONLY_HUMAN]
        by_proxy = (Event.verdict == Verdict.PROXY) & Event.kind.not_in(only_human)
        return [
            Event.kind.in_(list(self.rules)),
            or_(Event.verdict.is_(None), Event.verdict == Verdict.HUMAN, by_proxy),
        ]

    def day_sql(self) -> ColumnElement[int]:
        """`day` over Event."""
        seconds = type_coerce(Event.occurred_at, BigInteger) + _DAYS_BACK * SECONDS_PER_DAY
        day = seconds // SECONDS_PER_DAY - _DAYS_BACK
        return case((day > self.decay.last_day, self.decay.last_day), else_=day)


def _counts(rule: ScoringRule, verdict: Verdict | None) -> bool:
    if rule.kind in ONLY_HUMAN:
        return verdict in {None, Verdict.HUMAN}
    return verdict is None or verdict.is_reader


def score_clock(session: Session, *, sharing: bool = False, changing: bool = False) -> ScoreClock | None:
    """The clock; None before the first-run setup.

    Those who add to scores share a lock on it that a rebuild does not: no event falls between the two.
    """
    found = select(ScoreClock).where(ScoreClock.id == 1).execution_options(populate_existing=True)
    if sharing or changing:
        found = found.with_for_update(read=not changing)
    return session.scalar(found)


def points_of(session: Session, clock: ScoreClock) -> Points:
    """The rules as they are stored, in the decay in force."""
    rules = [ScoringRule(row.kind, row.points, row.per_amount) for row in session.scalars(select(ScoreRule))]
    return Points(by_code(rules), Decay(clock.half_life_days, clock.landmark_day))


def by_code(rules: Iterable[ScoringRule]) -> dict[int, ScoringRule]:
    """Rules by the code of their kind; those of a feature that was taken out, or worth nothing, are left out."""
    kinds = house().kinds
    worthy = (rule for rule in rules if rule.kind in kinds and (rule.points or rule.per_amount_minor))
    return {kinds[rule.kind].code: rule for rule in worthy}
