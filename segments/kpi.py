"""The key figures of keeping people: every formula once.

In charge of the arithmetic. Who counts as lost, active or returning is for the report that asks. All figures
are computed exactly and rounded once, to the nearest float; rates are in percent (0 … 100); None means that
there is nothing to divide by.
"""

from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal | Fraction


def retention(start: int, end: int, new: int) -> float | None:
    """((E − N) / S) · 100, in percent of people: of those there at the start, how many are there at the end.

    `start` S people at the start of the period, `end` E at its end, `new` N of these came in it. None if S =
    0.
    """
    return _percent(end - new, start)


def churn(start: int, lost: int) -> float | None:
    """(lost / S) · 100, in percent of people: of those there at the start, how many left. None if S = 0."""
    return _percent(lost, start)


def revenue_churn(mrr_start: Number, mrr_lost: Number) -> float | None:
    """(MRR lost / MRR at the start) · 100, in percent of monthly recurring revenue, both in one unit of money.

    None if there was no revenue at the start.
    """
    return _percent(mrr_lost, mrr_start)


def repeat_rate(returning: int, buyers: int) -> float | None:
    """(returning / all) · 100, in percent of buyers: how many bought again. None if nobody bought."""
    return _percent(returning, buyers)


def customer_lifetime_value(
    average_order_value: Number, repeat_rate: float | None, acquisition_cost: Number
) -> float | None:
    """(average order value · repeat rate) − acquisition cost, in the unit of money of the arguments.

    `repeat_rate` is in percent, as the function of that name gives it; None if there is none.
    """
    if repeat_rate is None:
        return None
    return float(_exact(average_order_value) * _exact(repeat_rate) / 100 - _exact(acquisition_cost))


def net_promoter_score(promoters: int, passives: int, detractors: int) -> float | None:
    """% promoters − % detractors, of all who answered (`segments.nps`): −100 … 100. None without answers."""
    return _percent(promoters - detractors, promoters + passives + detractors)


def _percent(part: Number, whole: Number) -> float | None:
    if whole < 0:
        raise ValueError("there is no percentage of a negative whole")
    return float(_exact(part) * 100 / _exact(whole)) if whole else None


def _exact(number: Number) -> Fraction:
    """A float is taken as the decimal it is written as: 0.1 is one tenth."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)
