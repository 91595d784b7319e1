"""The RFM class of everybody at once, in SQL, and what the classes are called.

In charge of saying `segments.rfm` as one CASE: the scores become counts of borders passed, and the class of each of the
125 triples of scores is the one that `scores` gives it.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Integer, case, literal

from segments.label import Label
from segments.rfm import Borders, Rfm, RfmClass, scores
from segments.score import SECONDS_PER_DAY

CLASS_LABELS = {
    RfmClass.CHAMPIONS: Label("champions", "Spitzenkunden"),
    RfmClass.LOYAL: Label("loyal", "Treue"),
    RfmClass.PROMISING: Label("promising", "Vielversprechende"),
    RfmClass.AT_RISK: Label("at risk", "Gefährdete"),
    RfmClass.CANNOT_LOSE: Label("cannot lose them", "Nicht zu verlieren"),
    RfmClass.DORMANT: Label("dormant", "Schlafende"),
}


def rfm_case(
    bought_at: ColumnElement[Any],
    now: int,
    orders: ColumnElement[Any],
    spend: ColumnElement[Any],
    borders: Borders = Borders(),  # noqa: B008 - frozen
) -> ColumnElement[str]:
    """`rfm_class` of columns, for people who bought at least once; both times in seconds since 1970."""
    ages = [now - border * SECONDS_PER_DAY for border in borders.recency]
    recency = _passed(-bought_at, [-age for age in ages])
    place = recency * 25 + _passed(orders, borders.orders) * 5 + _passed(spend, borders.spend)
    by_class: dict[RfmClass, list[int]] = {}
    for days, often, much in product(range(5), repeat=3):
        found = _at(borders, days, often, much).rfm_class
        by_class.setdefault(found, []).append(days * 25 + often * 5 + much)
    return case(*((place.in_(places), literal(found.value)) for found, places in by_class.items()))


def _passed(value: ColumnElement[Any], borders: Sequence[float]) -> ColumnElement[int]:
    """How many of the borders the value is above."""
    above = [(value > _bound(border), literal(4 - at, Integer)) for at, border in enumerate(reversed(borders))]
    return case(*above, else_=literal(0, Integer))


def _bound(border: float) -> ColumnElement[Any]:
    return literal(int(border), BigInteger) if border == int(border) else literal(border, Double)


def _at(borders: Borders, *passed: int) -> Rfm:
    """The scores of somebody who has passed so many borders of each scale."""
    recency, orders, spend = (
        scale[count] if count < 4 else scale[3] + 1
        for scale, count in zip((borders.recency, borders.orders, borders.spend), passed, strict=True)
    )
    return scores(recency, int(orders), int(spend), borders)
