"""What was sold in each month of the organisation's calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.db import Instant
from app.importing.batch import as_table
from app.shop.models import Order


@dataclass(frozen=True, slots=True)
class Month:
    """A month from its first instant, the orders in it and what they brought, in minor units."""

    begins: datetime
    orders: int
    amount: int


def revenue_by_month(session: Session, zone: ZoneInfo, limit: int) -> Sequence[Month]:
    """The last `limit` months up to that of the newest order, without those before the first; none without orders."""
    # Asked apart, each is one look into the index.
    first, last = (session.scalar(select(end(Order.ordered_at))) for end in (func.min, func.max))
    if first is None or last is None:
        return ()
    since = max(first, _months_before(last, limit - 1))
    begins = _begins(since.astimezone(zone), last.astimezone(zone))
    spans = as_table(session, {"begins": Instant(), "ends": Instant()}, pairwise(begins)).c
    within = and_(Order.ordered_at >= spans.begins, Order.ordered_at < spans.ends)
    sums = func.count(Order.id), func.coalesce(func.sum(Order.amount), 0)
    statement = select(spans.begins, *sums).outerjoin(Order, within).group_by(spans.begins).order_by(spans.begins)
    return [Month(begin.astimezone(zone), orders, int(amount)) for begin, orders, amount in session.execute(statement)]


def _months_before(moment: datetime, months: int) -> datetime:
    number = moment.year * 12 + moment.month - 1 - months
    return moment.replace(year=number // 12, month=number % 12 + 1, day=1)


def _begins(first: datetime, last: datetime) -> list[datetime]:
    """The first instants of all months from that of `first` to the one behind `last`."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=first.tzinfo) for number in numbers]
