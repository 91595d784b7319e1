"""Score → tier, held by a margin and a grace period so that nobody flickers.

In charge of which tier a score stands for, in Python and in SQL. One rises on reaching a threshold, at once. One falls
only when the score is `margin_percent` below it, and not before it would have been so for `grace_days` of fading: what
counts for falling is the score as it would have stood so many days ago. So whether somebody has fallen follows from her
score alone, and no date of a first bad day has to be kept. Who is told about a change is the business of the app.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, literal, or_

from segments.score import Decay

MARGIN_PERCENT = 10
MOST_MARGIN = 90
MOST_GRACE = 365


@dataclass(frozen=True, slots=True)
class Hold:
    """How far below its threshold a tier is kept, and how long after that."""

    margin_percent: int = MARGIN_PERCENT
    grace_days: int = 0

    def fall_day(self, now_day: int, decay: Decay) -> int:
        """The day whose points decide who falls. Four half-lives is the longest grace: then a sixteenth is left."""
        return now_day - min(self.grace_days, 4 * decay.half_life_days)


@dataclass(frozen=True, slots=True)
class TierStep:
    """A tier and the points it begins at."""

    id: int
    name: str
    threshold_points: int

    def held_down_to(self, margin: int) -> Fraction:
        """The points at which one who has the tier still keeps it.

        Rounded down to 1/1024 of a point, which a float holds exactly: so Python and SQL agree on the very edge.
        """
        exact = self.threshold_points - Fraction(abs(self.threshold_points) * margin, 100)
        return Fraction(math.floor(exact * 1024), 1024)


def tier_for(
    stored: int, steps: Sequence[TierStep], current: int | None, decay: Decay, now_day: int, hold: Hold | None = None
) -> TierStep | None:
    """The tier of a stored score for somebody whose tier has been `current` (an id); None below the lowest.

    Who falls out of a tier may be held by the margin of the next lower one.
    """
    hold = hold or Hold()
    for step, may_be_held in _from_the_top(steps, current):
        if stored >= decay.threshold(step.threshold_points, now_day):
            return step
        if may_be_held and stored >= _held(step, decay, now_day, hold):
            return step
    return None


def _from_the_top(steps: Sequence[TierStep], current: int | None) -> list[tuple[TierStep, bool]]:
    """Each step, highest first, and whether one whose tier is `current` has reached it before."""
    reached = next((step.threshold_points for step in steps if step.id == current), None)
    return [(step, reached is not None and step.threshold_points <= reached) for step in _descending(steps)]


def _held(step: TierStep, decay: Decay, now_day: int, hold: Hold) -> int:
    points = step.held_down_to(hold.margin_percent)
    # Of points below zero more were lost in earlier days: those are held from today.
    return min(decay.threshold(points, day) for day in (now_day, hold.fall_day(now_day, decay)))


def _descending(steps: Sequence[TierStep]) -> list[TierStep]:
    return sorted(steps, key=lambda step: step.threshold_points, reverse=True)


def tier_case(
    score_stored_column: ColumnElement[Any],
    current_tier_column: ColumnElement[Any],
    steps: Sequence[TierStep],
    decay: Decay,
    now_day: int,
    hold: Hold | None = None,
) -> ColumnElement[int | None]:
    """`tier_for` as a CASE over the stored score: the id of the tier, or NULL."""
    hold = hold or Hold()
    branches: list[tuple[ColumnElement[bool], ColumnElement[int]]] = []
    for step in _descending(steps):
        reached_before = [each.id for each in steps if each.threshold_points >= step.threshold_points]
        earned = score_stored_column >= decay.threshold(step.threshold_points, now_day)
        held = score_stored_column >= _held(step, decay, now_day, hold)
        branches.append(
            (or_(earned, and_(held, current_tier_column.in_(reached_before))), literal(step.id, BigInteger))
        )
    return case(*branches, else_=None) if branches else literal(None, BigInteger)
