"""Revenue churn: how much of what came in monthly went with those who were lost.

Nobody here has a contract, so the monthly recurring revenue at the start of a month is what the people who were there
then had paid in the month before, refunds taken off; lost is the part of those who were gone at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from app.events.models import Event
from app.reports.periods import inside, seconds, span
from app.reports.presence import Stretches
from app.reports.retention import ways_of
from app.reports.rows import Rows
from app.shop.kinds import PURCHASED
from segments import kpi


@dataclass(frozen=True, slots=True)
class Recurring:
    """In minor units; `churn` in percent, None where there was no revenue at the start."""

    mrr_start: int
    mrr_lost: int
    churn: float | None


def revenue_churn(rows: Rows, there: Stretches, before: datetime, ends: Sequence[datetime]) -> list[Recurring]:
    """A Recurring for each pair of neighbours among the moments, in one statement; `before` the first began a month."""
    moments = [before, *ends[:-1]]
    paid = (
        select(Event.subscriber_id, span(Event.occurred_at, moments), func.sum(Event.value).label("paid"))
        .where(Event.kind == PURCHASED.code, inside(Event.occurred_at, moments))
        .group_by(Event.subscriber_id, "span")
        .subquery("paid")
    )
    ways = ways_of(there, ends)
    following = seconds(func.lead(ways.c.first_at).over(partition_by=ways.c.subscriber_id, order_by=ways.c.first_at))
    way = select(ways, following.label("next_at")).subquery("stay")
    # The purchases of span n are those of the month that ends at moment n of `ends`.
    is_there = (way.c.subscriber_id == paid.c.subscriber_id, paid.c.span.between(way.c.first_at, way.c.last_at))
    gone = (way.c.last_at == paid.c.span) & or_(way.c.next_at.is_(None), way.c.next_at > paid.c.span + 1)
    summed = (
        select(paid.c.span, func.sum(paid.c.paid), func.sum(paid.c.paid).filter(gone))
        .join_from(paid, way, is_there[0] & is_there[1])
        .group_by(paid.c.span)
    )
    found = {at: (int(start or 0), int(lost or 0)) for at, start, lost in rows.execute(summed)}
    return [_recurring(*found.get(at, (0, 0))) for at in range(len(ends) - 1)]


def _recurring(start: int, lost: int) -> Recurring:
    """More refunds than revenue leave nothing to be lost."""
    return Recurring(start, lost, kpi.revenue_churn(start, lost) if start > 0 else None)
