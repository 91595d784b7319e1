"""Who bought again: up to the end of each month, and within it.

All that somebody buys at one moment is one purchase, whether the shop sends an order as one line or as three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.reports.periods import edges, place
from app.reports.presence import bought
from app.reports.scope import Scope
from segments import kpi
from segments.cohort import Period


@dataclass(frozen=True, slots=True)
class Repeat:
    """`buyers` and `buyers_again` (twice or more) up to the end of the month, and those of the month alone; rates in
    percent of the buyers, None without any."""

    buyers: int
    buyers_again: int
    rate: float | None
    buyers_in_month: int
    buyers_again_in_month: int
    rate_in_month: float | None


def repeat_rates(session: Session, scope: Scope, months: Sequence[Period], now: datetime) -> list[Repeat]:
    """A Repeat for each month; purchases of before the first one count as well."""
    ends = edges(months, now)
    purchases = _purchases(scope, now)
    own = (
        select(
            place(purchases.c.occurred_at, ends).label("span"),
            func.min(purchases.c.ordinal).label("from_ordinal"),
            func.count().label("times"),
        )
        .group_by(purchases.c.subscriber_id, "span")
        .subquery("own")
    )
    first = func.count().filter(own.c.from_ordinal == 1)
    second = func.count().filter(own.c.from_ordinal <= 2, own.c.from_ordinal + own.c.times > 2)
    counted = select(own.c.span, first, second, func.count(), func.count().filter(own.c.times > 1))
    rows = {row[0]: tuple(row[1:]) for row in session.execute(counted.group_by(own.c.span))}
    return _repeats([rows.get(number, (0, 0, 0, 0)) for number in range(len(months) + 1)])


def _purchases(scope: Scope, now: datetime) -> Subquery:
    moments = select(Event.subscriber_id, Event.occurred_at).distinct().where(bought(), Event.occurred_at < now)
    moment = scope.of(moments, Event.subscriber_id, Event.occurred_at).subquery("moment")
    ordinal = func.row_number().over(partition_by=moment.c.subscriber_id, order_by=moment.c.occurred_at)
    return select(moment, ordinal.label("ordinal")).subquery("purchase")


def _repeats(rows: Sequence[tuple[int, ...]]) -> list[Repeat]:
    buyers = accumulate(row[0] for row in rows)
    again = accumulate(row[1] for row in rows)
    return [
        Repeat(all_, twice, kpi.repeat_rate(twice, all_), row[2], row[3], kpi.repeat_rate(row[3], row[2]))
        for row, all_, twice in zip(rows, buyers, again, strict=True)
    ][1:]
