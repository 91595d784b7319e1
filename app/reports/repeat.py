"""Who bought again, and what a customer is worth: up to the end of each month, and within it.

All that somebody buys at one moment is one purchase, whether the shop sends an order as one line or as three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import accumulate

from sqlalchemy import Subquery, and_, func, select

from app.events.models import Event
from app.reports.definitions import Definitions
from app.reports.periods import edges, place
from app.reports.presence import bought
from app.reports.rows import Rows
from app.reports.scope import Scope
from app.shop.kinds import PURCHASED
from segments import kpi
from segments.cohort import Period


@dataclass(frozen=True, slots=True)
class Repeat:
    """`buyers` and `buyers_again` (so many times or more) up to the end of the month, and those of the month alone;
    rates in percent of the buyers, None without any. `average_order` and `lifetime_value` are of all up to the end of
    the month, in minor units, refunds taken off."""

    buyers: int
    buyers_again: int
    rate: float | None
    buyers_in_month: int
    buyers_again_in_month: int
    rate_in_month: float | None
    average_order: float | None
    lifetime_value: float | None


def repeat_rates(rows: Rows, scope: Scope, months: Sequence[Period], now: datetime, meant: Definitions) -> list[Repeat]:
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
    times, nth = meant.repeat_times, own.c.from_ordinal
    reaches = and_(nth <= times, nth + own.c.times > times)
    figures = (
        func.count().filter(nth == 1),
        func.count().filter(reaches),
        func.count(),
        func.count().filter(own.c.times >= times),
        func.sum(own.c.times),
    )
    counted = rows.execute(select(own.c.span, *figures).group_by(own.c.span))
    by_span = {row[0]: tuple(int(each) for each in row[1:]) for row in counted}
    spent = _spent(rows, scope, ends, now)
    spans = range(len(months) + 1)
    return _repeats([(*by_span.get(at, (0,) * 5), spent.get(at, 0)) for at in spans], meant.acquisition_cost)


def _spent(rows: Rows, scope: Scope, ends: Sequence[datetime], now: datetime) -> dict[int, int]:
    """What was paid in each span, refunds taken off."""
    paid = select(place(Event.occurred_at, ends).label("span"), func.sum(Event.value)).where(
        Event.kind == PURCHASED.code, Event.occurred_at < now
    )
    found = rows.execute(scope.of(paid, Event.subscriber_id, Event.occurred_at).group_by("span"))
    return {at: int(amount or 0) for at, amount in found}


def _purchases(scope: Scope, now: datetime) -> Subquery:
    moments = select(Event.subscriber_id, Event.occurred_at).distinct().where(bought(), Event.occurred_at < now)
    moment = scope.of(moments, Event.subscriber_id, Event.occurred_at).subquery("moment")
    ordinal = func.row_number().over(partition_by=moment.c.subscriber_id, order_by=moment.c.occurred_at)
    return select(moment, ordinal.label("ordinal")).subquery("purchase")


def _repeats(rows: Sequence[tuple[int, ...]], acquisition_cost: int) -> list[Repeat]:
    buyers, again, _in_month, _again_in_month, orders, spent = (
        accumulate(column) for column in zip(*rows, strict=True)
    )
    return [
        _repeat(row, all_, more, orders_so_far, spent_so_far, acquisition_cost)
        for row, all_, more, orders_so_far, spent_so_far in zip(rows, buyers, again, orders, spent, strict=True)
    ][1:]


def _repeat(row: tuple[int, ...], buyers: int, again: int, orders: int, spent: int, acquisition_cost: int) -> Repeat:
    rate = kpi.repeat_rate(again, buyers)
    average = Fraction(spent, orders) if orders else None
    return Repeat(
        buyers=buyers,
        buyers_again=again,
        rate=rate,
        buyers_in_month=row[2],
        buyers_again_in_month=row[3],
        rate_in_month=kpi.repeat_rate(row[3], row[2]),
        average_order=None if average is None else float(average),
        lifetime_value=None if average is None else kpi.customer_lifetime_value(average, rate, acquisition_cost),
    )
