"""How long people stay: the Kaplan-Meier curve.

In charge of the estimate and its confidence interval. What begins and ends a stay, and who is still there (censored),
is for the report that asks. Kaplan & Meier 1958; variance by Greenwood, interval on the log-log scale (Kalbfleisch &
Prentice 1980), which never leaves 0 … 1.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# The normal quantile of a two-sided interval of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Step:
    """From `after` days on, the share `survival` (0 … 1) is still there; with 95 % confidence it is `low` … `high`.

    `at_risk` were still looked at then, `ended` of them left at that age.
    """

    after: int
    at_risk: int
    ended: int
    survival: float
    low: float
    high: float


def kaplan_meier(stays: Iterable[tuple[int, int, int]]) -> list[Step]:
    """The curve of (days, ended, censored) rows: so many stays ended, so many were still running at that age.

    A day may come more than once. Censored stays of a day count as at risk on it. One Step for each day on which a stay
    ended; before the first the share is 1. Raises ValueError for a negative number.
    """
    ended: dict[int, int] = {}
    left: dict[int, int] = {}
    for days, ends, censored in stays:
        if min(days, ends, censored) < 0:
            raise ValueError("a stay has no negative length or number")
        ended[days] = ended.get(days, 0) + ends
        left[days] = left.get(days, 0) + ends + censored
    at_risk, survival, greenwood = sum(left.values()), 1.0, 0.0
    curve = []
    for day in sorted(left):
        if died := ended[day]:
            survival *= 1 - died / at_risk
            greenwood += died / (at_risk * (at_risk - died)) if died < at_risk else math.inf
            curve.append(Step(day, at_risk, died, survival, *_interval(survival, greenwood)))
        at_risk -= left[day]
    return curve


def share_after(curve: Iterable[Step], days: int) -> Step | None:
    """The step that holds after so many days; None before the first."""
    found = None
    for step in curve:
        if step.after > days:
            break
        found = step
    return found


def median(curve: Iterable[Step]) -> int | None:
    """After how many days half of them are gone; None while more than half are there."""
    return next((step.after for step in curve if step.survival <= 0.5), None)


def _interval(survival: float, greenwood: float) -> tuple[float, float]:
    if survival <= 0:
        return 0.0, 0.0
    hazard = -math.log(survival)
    spread = _Z * math.sqrt(greenwood) / hazard
    return math.exp(-hazard * math.exp(spread)), math.exp(-hazard * math.exp(-spread))
