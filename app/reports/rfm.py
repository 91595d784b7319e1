"""Who buys how: everybody who bought, by the scores of recency, frequency and money.

The borders are fixed, the same that rules for segments use, or those of the buyers looked at: five parts of equal size
for each scale. `segments.rfm` names what the scores say together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Any

from sqlalchemy import func, select

from app.reports.periods import DAY, place_number, seconds
from app.reports.query import BordersOf, RfmQuery
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, Scope
from app.subscribers.models import Standing
from segments.rfm import Borders, RfmClass, class_of, quintiles_of

_CENTS = 100


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """People who share a class, or a score of recency and one of frequency; sums in minor units, None of too few."""

    people: int
    orders: int | None
    spent: int | None


@dataclass(frozen=True, slots=True)
class RfmReport:
    """`grid[recency - 1][frequency - 1]`, scores from 1 to 5."""

    segment_id: int | None
    as_of: datetime
    borders_of: BordersOf
    borders: Borders
    classes: dict[RfmClass, RfmGroup]
    grid: tuple[tuple[RfmGroup, ...], ...]


def rfm_report(rows: Rows, query: RfmQuery, now: datetime) -> RfmReport:
    """The table, in one statement over the narrow row of each person; its own borders take three more."""
    scope = Scope(query.segment)
    silent = (int(now.timestamp()) - seconds(Standing.last_order_at)) // DAY
    borders = _own(rows, scope, silent) if query.borders is BordersOf.OWN else Borders()
    recency = 5 - _above(silent, borders.recency)
    frequency, monetary = (
        1 + _above(each, scale) for each, scale in ((Standing.orders, borders.orders), (Standing.spent, borders.spend))
    )
    counted = select(
        recency.label("recency"),
        frequency.label("frequency"),
        monetary.label("monetary"),
        func.count(),
        func.sum(Standing.orders),
        func.sum(Standing.spent),
    ).group_by("recency", "frequency", "monetary")
    found = [tuple(int(each) for each in row) for row in rows.execute(_buyers(counted, scope))]
    classes = {each: _group(row[3:] for row in found if class_of(*row[:3]) is each) for each in RfmClass}
    grid = tuple(
        tuple(_group(row[3:] for row in found if row[:2] == (lately, often)) for often in range(1, 6))
        for lately in range(1, 6)
    )
    return RfmReport(query.segment, now, query.borders, borders, classes, grid)


def _buyers(statement: Any, scope: Scope) -> Any:
    return scope.of_today(statement.where(Standing.orders > 0), Standing.subscriber_id)


def _own(rows: Rows, scope: Scope, silent: Any) -> Borders:
    """Of money in whole units: there are few of those."""
    whole = Standing.spent // _CENTS
    return Borders(
        recency=_quintiles(rows, scope, silent),
        orders=_quintiles(rows, scope, Standing.orders),
        spend=tuple(_CENTS * each + _CENTS - 1 for each in _quintiles(rows, scope, whole)),  # type: ignore[arg-type]
    )


def _quintiles(rows: Rows, scope: Scope, value: Any) -> tuple[float, float, float, float]:
    """From how often each value comes: there are few values and many people."""
    counted = _buyers(select(value.label("value"), func.count()).select_from(Standing), scope)
    return quintiles_of({int(each): number for each, number in rows.execute(counted.group_by("value"))})


def _above(value: Any, borders: Iterable[float]) -> Any:
    """How many borders a whole number is above."""
    return place_number(value, [floor(border) + 1 for border in borders])


def _group(rows: Iterable[tuple[int, ...]]) -> RfmGroup:
    found = list(rows)
    people, orders, spent = (sum(row[at] for row in found) for at in range(3))
    return RfmGroup(people, orders, spent) if people >= SMALLEST_GROUP else RfmGroup(people, None, None)
