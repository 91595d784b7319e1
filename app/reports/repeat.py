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
from app.reports.periods import span_table, within
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
    span = span_table([_before(months[0]), *months], now)
    purchases = _purchases(scope)
    own = (
        select(span.c.number, func.min(purchases.c.place).label("from_place"), func.count().label("times"))
        .join(span, within(purchases.c.occurred_at, span))
        .group_by(purchases.c.subscriber_id, span.c.number)
        .subquery("own")
    )
    first = func.count().filter(own.c.from_place == 1)
    second = func.count().filter(own.c.from_place <= 2, own.c.from_place + own.c.times > 2)
    counted = select(own.c.number, first, second, func.count(), func.count().filter(own.c.times > 1))
    rows = {row[0]: tuple(row[1:]) for row in session.execute(counted.group_by(own.c.number))}
    return _repeats([rows.get(number, (0, 0, 0, 0)) for number in range(len(months) + 1)])


def _purchases(scope: Scope) -> Subquery:
    moments = select(Event.subscriber_id, Event.occurred_at).distinct()
    moment = moments.where(bought(), scope.has(Event.subscriber_id, Event.occurred_at)).subquery("moment")
    place = func.row_number().over(partition_by=moment.c.subscriber_id, order_by=moment.c.occurred_at)
    return select(moment.c.subscriber_id, moment.c.occurred_at, place.label("place")).subquery("purchase")


def _before(month: Period) -> Period:
    return Period(month.index - 1, "", datetime.fromtimestamp(0, month.start.tzinfo), month.start)


def _repeats(rows: Sequence[tuple[int, ...]]) -> list[Repeat]:
    buyers = accumulate(row[0] for row in rows)
    again = accumulate(row[1] for row in rows)
    return [
        Repeat(all_, twice, kpi.repeat_rate(twice, all_), row[2], row[3], kpi.repeat_rate(row[3], row[2]))
        for row, all_, twice in zip(rows, buyers, again, strict=True)
    ][1:]
