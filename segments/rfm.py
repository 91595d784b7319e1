"""RFM: how lately, how often and for how much somebody bought, as three scores and a class.

In charge of the scores, the borders between them and the names of the classes. Not of asking anybody's purchases.
Hughes, Strategic Database Marketing (1994): five classes of equal size for each of the three; here the borders are
values, so that a rule or a report may also fix them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate


class RfmClass(StrEnum):
    """What the scores say together, the best first."""

    CHAMPIONS = "champions"
    LOYAL = "loyal"
    PROMISING = "promising"
    AT_RISK = "at_risk"
    CANNOT_LOSE = "cannot_lose"
    DORMANT = "dormant"


@dataclass(frozen=True, slots=True)
class Borders:
    """Four rising values for each scale: what is above so many of them has that many points more than one.

    `recency` in days since the last purchase (fewer is better), `orders` a number, `spend` in minor units of money.
    """

    recency: tuple[float, float, float, float] = (30, 90, 180, 365)
    orders: tuple[float, float, float, float] = (1, 2, 4, 8)
    spend: tuple[float, float, float, float] = (2_500, 5_000, 10_000, 25_000)

    def __post_init__(self) -> None:
        for scale in (self.recency, self.orders, self.spend):
            if list(scale) != sorted(scale):
                raise ValueError("borders must rise")


@dataclass(frozen=True, slots=True)
class Rfm:
    """Three scores from 1 (worst) to 5 (best), and the class they make."""

    recency: int
    frequency: int
    monetary: int
    rfm_class: RfmClass


def scores(recency_days: float, orders: int, spend: int, borders: Borders = Borders()) -> Rfm:
    """The scores of somebody who bought `orders` times (at least once) for `spend` minor units in all."""
    recency = 5 - sum(recency_days > border for border in borders.recency)
    frequency = 1 + sum(orders > border for border in borders.orders)
    monetary = 1 + sum(spend > border for border in borders.spend)
    return Rfm(recency, frequency, monetary, class_of(recency, frequency, monetary))


def rfm_class(recency_days: float, orders: int, spend: int, borders: Borders = Borders()) -> RfmClass:
    """The class alone."""
    return scores(recency_days, orders, spend, borders).rfm_class


def class_of(recency: int, frequency: int, monetary: int) -> RfmClass:
    """Recency divides first: who bought lately is here. Of the others, value says how much is at stake."""
    value = max(frequency, monetary)
    match recency:
        case 5 | 4 if frequency >= 4 and monetary >= 4:
            return RfmClass.CHAMPIONS
        case 5 | 4 | 3 if frequency >= 3:
            return RfmClass.LOYAL
        case 5 | 4:
            return RfmClass.PROMISING
        case 3 | 2 if value < 4:
            return RfmClass.AT_RISK
        case _ if value >= 4:
            return RfmClass.CANNOT_LOSE
        case _:
            return RfmClass.DORMANT


def quintiles(values: Iterable[float]) -> tuple[float, float, float, float]:
    """The four borders between five parts of equal size (nearest rank); all 0 without values."""
    return quintiles_of(Counter(values))


def quintiles_of(times: Mapping[float, int]) -> tuple[float, float, float, float]:
    """The same of values and how often each comes."""
    ordered = sorted(times)
    up_to = list(accumulate(times[value] for value in ordered))
    if not up_to:
        return (0, 0, 0, 0)
    one, two, three, four = (ordered[bisect_left(up_to, -(-up_to[-1] * part // 5))] for part in range(1, 5))
    return one, two, three, four
