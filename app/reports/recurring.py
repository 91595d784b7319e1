"""Revenue churn: how much of what came in monthly went with those who were lost.

Nobody here has a contract, so the monthly recurring revenue at the start of a month is what the people who were there
then had paid in the days that make somebody active (90, say), refunds taken off, as an average of 30 days; lost is the
part of those who were gone at its end. A shorter look back would never see what a silent customer used to pay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from app.events.models import Event
from app.reports.periods import DAY, place, place_number, seconds
from app.reports.presence import Stretches
from app.reports.retention import ways_of
from app.reports.rows import Rows
from app.shop.kinds import PURCHASED
from segments import kpi

MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Recurring:
    """In minor units; `churn` in percent, None where there was no revenue at the start."""

    mrr_start: int
    mrr_lost: int
    churn: float | None


def revenue_churn(rows: Rows, there: Stretches, days: int, ends: Sequence[datetime]) -> list[Recurring]:
    """A Recurring for each pair of neighbours among the moments, in one statement; looks back so many days."""
    months = len(ends) - 1
    start, lost = [0] * months, [0] * months
    for since, until, first, last, gone, paid in _paid(rows.execute(_counted(there, days, ends))):
        for at in range(max(since, first), min(until, last, months - 1) + 1):
            start[at] += paid
            lost[at] += paid if gone and at == last else 0
    return [_recurring(*each, days) for each in zip(start, lost, strict=True)]


def _counted(there: Stretches, days: int, ends: Sequence[datetime]) -> Select[*tuple[Any, ...]]:
    """(first and last moment that a purchase counts for, the stay it falls into, whether it ended there, sum)."""
    at, look_back = seconds(Event.occurred_at), days * DAY
    paid = (
        select(
            Event.subscriber_id,
            place(Event.occurred_at, ends).label("since"),
            (place_number(at + look_back, [int(end.timestamp()) for end in ends]) - 1).label("until"),
            func.sum(Event.value).label("paid"),
        )
        .where(
            Event.kind == PURCHASED.code,
            Event.occurred_at >= ends[0] - timedelta(days=days),
            Event.occurred_at < ends[-1],
        )
        .group_by(Event.subscriber_id, "since", "until")
        .subquery("paid")
    )
    ways = ways_of(there, ends)
    following = seconds(func.lead(ways.c.first_at).over(partition_by=ways.c.subscriber_id, order_by=ways.c.first_at))
    stay = select(ways, following.label("next_at")).subquery("stay")
    gone = or_(stay.c.next_at.is_(None), stay.c.next_at > stay.c.last_at + 1)
    overlaps = (
        (stay.c.subscriber_id == paid.c.subscriber_id)
        & (stay.c.first_at <= paid.c.until)
        & (stay.c.last_at >= paid.c.since)
    )
    groups = (paid.c.since, paid.c.until, stay.c.first_at, stay.c.last_at, gone.label("gone"))
    counted = select(*groups, func.sum(paid.c.paid)).join_from(paid, stay, overlaps)
    return counted.group_by(paid.c.since, paid.c.until, stay.c.first_at, stay.c.last_at, "gone")


def _paid(rows: Iterable[Any]) -> Iterable[tuple[int, int, int, int, bool, int]]:
    for since, until, first, last, gone, paid in rows:
        yield since, until, first, last, bool(gone), int(paid or 0)


def _recurring(start: int, lost: int, days: int) -> Recurring:
    """More refunds than revenue leave nothing to be lost."""
    mrr, gone = (round(each * MONTH_DAYS / days) for each in (start, lost))
    return Recurring(mrr, gone, kpi.revenue_churn(start, lost) if start > 0 else None)
