"""Points and half-life: how engaged somebody is, exactly, in Python and in SQL.

In charge of the arithmetic of *forward decay*. A score is stored as

    S = Σ points_i · factor(day_i)

with integer points in hundredths and one integer factor per UTC day, factor(d) = round(2²⁰ · 2^((d − L) / H))
for the landmark day L and the half-life H. Integers add up the same in any order, so an incremental update
equals a rebuild to the last bit, late events need no care, and nothing is written when time passes: what
people see is S / factor(now). Which events count, and where S is stored, is the business of the app.

*Range.* S lives in a signed 64-bit integer. Factors are given up to 16 half-lives after the landmark, where
they are 2³⁶: there S still holds 2²⁷ hundredths, 1.3 million points at their full value. `needs_rebase` asks
for a new landmark and a rebuild after 12 half-lives (6 years at 180 days). Before the landmark, factors lose
precision: 10 half-lives earlier an event counts to 0.05 % of itself, 21 half-lives earlier not at all.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Double, case, cast, func, literal

SECONDS_PER_DAY = 86_400
HUNDREDTHS = 100
SCALE = 20
LAST_HALF_LIFE = 16
REBASE_HALF_LIFE = 12
INT64 = 2**63 - 1
MOST_POINTS = 1_000_000

Number: TypeAlias = int | float | Decimal | Fraction
_EXACT = Context(prec=60)


def day_of(epoch_seconds: int) -> int:
    """The UTC day of an instant, counted from 1970-01-01."""
    return epoch_seconds // SECONDS_PER_DAY


def factor(day: int, half_life_days: int, landmark_day: int) -> int:
    """round(2²⁰ · 2^((day − landmark) / half_life)), the same integer on every platform."""
    return _factor(SCALE * half_life_days + day - landmark_day, half_life_days)


@lru_cache(maxsize=8192)
def _factor(exponent: int, half_life_days: int) -> int:
    """round(2^(exponent / half_life)).

    Decimal arithmetic is done in software and so alike everywhere. A power that is not itself a power of two
    is irrational, and 60 digits are far more than rounding a number of 11 digits needs.
    """
    if exponent < -2 * half_life_days:
        return 0
    doublings, rest = divmod(exponent, half_life_days)
    power = _EXACT.multiply(_power(rest, half_life_days), _EXACT.power(2, doublings))
    return int(power.to_integral_value(ROUND_HALF_EVEN, _EXACT))


@lru_cache(maxsize=8192)
def _power(rest: int, half_life_days: int) -> Decimal:
    """2^(rest / half_life), which takes twenty times as long as to double it."""
    return _EXACT.power(2, _EXACT.divide(rest, half_life_days))


@dataclass(frozen=True, slots=True)
class Decay:
    """A half-life and a landmark; days are UTC days since 1970 (`day_of`)."""

    half_life_days: int
    landmark_day: int

    def __post_init__(self) -> None:
        if self.half_life_days < 1:
            raise ValueError("a half-life is at least one day")

    @property
    def last_day(self) -> int:
        """The last day that has a factor."""
        return self.landmark_day + LAST_HALF_LIFE * self.half_life_days

    def needs_rebase(self, now_day: int) -> bool:
        """Whether it is time for a new landmark and a rebuild."""
        return now_day >= self.landmark_day + REBASE_HALF_LIFE * self.half_life_days

    def factor(self, day: int) -> int:
        """What a hundredth of a point of that day adds to S."""
        if day > self.last_day:
            raise OverflowError(f"day {day} is more than {LAST_HALF_LIFE} half-lives after the landmark")
        return factor(day, self.half_life_days, self.landmark_day)

    def table(self, first_day: int, last_day: int) -> list[tuple[int, int]]:
        """(day, factor) of each day from the first to the last, so that SQL multiplies with the same integers."""
        return [(day, self.factor(day)) for day in range(first_day, last_day + 1)]

    def value(self, stored: int, now_day: int) -> float:
        """The score people see, in points: the largest float that is not above the exact quotient.

        Rounded down, so that a score reaches exactly the limits that `threshold` says it reaches.
        """
        exact = Fraction(stored, self._unit(now_day))
        nearest = float(exact)
        return math.nextafter(nearest, -math.inf) if Fraction(nearest) > exact else nearest

    def value_sql(self, stored: ColumnElement[Any], now_day: int) -> ColumnElement[Any]:
        """`value` for a whole column; may differ in the last bit. Compare S with `threshold` where that matters."""
        return cast(stored, Double) / literal(float(self._unit(now_day)), Double)

    def threshold(self, points: Number, now_day: int) -> int:
        """The smallest S that counts as at least these points on that day, within 64 bits."""
        exact = Fraction(points) * self._unit(now_day)
        return max(-INT64, min(math.ceil(exact), INT64))

    def _unit(self, now_day: int) -> int:
        """The S of one point that is earned now."""
        unit = HUNDREDTHS * self.factor(now_day)
        if unit == 0:
            raise ValueError(f"day {now_day} is too long before the landmark to look at scores")
        return unit


@dataclass(frozen=True, slots=True)
class ScoringRule:
    """What one event of a kind is worth: fixed points (in hundredths), and one more point per amount of money.

    A negative amount is a refund and worth exactly the negative of the purchase it takes back, the fixed points
    included. Parts of a hundredth are cut off towards zero. An amount earns a million points at most, so that one
    absurd order cannot leave the range of S.
    """

    kind: str
    points: int
    per_amount_minor: int | None = None

    def __post_init__(self) -> None:
        if self.per_amount_minor is not None and self.per_amount_minor < 1:
            raise ValueError("points are given per a positive amount")
        if abs(self.points) > MOST_POINTS * HUNDREDTHS:
            raise ValueError(f"an event is worth {MOST_POINTS} points at most")

    def points_for(self, kind: str, value_minor: int | None = None) -> int:
        """Hundredths of points for one event; 0 for another kind."""
        if kind != self.kind:
            return 0
        amount = value_minor or 0
        points = self.points
        if self.per_amount_minor is not None:
            points += min(abs(amount), self._most_amount) * HUNDREDTHS // self.per_amount_minor
        return -points if amount < 0 else points

    def points_sql(self, value_column: ColumnElement[Any]) -> ColumnElement[int]:
        """`points_for` on events of this kind, as integer arithmetic on their amount in minor units."""
        amount = func.coalesce(value_column, literal(0, BigInteger))
        points: ColumnElement[int] = literal(self.points, BigInteger)
        if self.per_amount_minor is not None:
            most, per = literal(self._most_amount, BigInteger), literal(self.per_amount_minor, BigInteger)
            size = case((amount < 0, -amount), else_=amount)
            # Both databases divide integers towards zero; of a positive number that is the floor.
            points = points + case((size > most, most), else_=size) * HUNDREDTHS // per
        return case((amount < 0, -points), else_=points)

    @property
    def _most_amount(self) -> int:
        return MOST_POINTS * (self.per_amount_minor or 0)


def total(decay: Decay, contributions: Iterable[tuple[int, int]]) -> int:
    """S of (points in hundredths, day) pairs, in any order."""
    return sum(points * decay.factor(day) for points, day in contributions)
