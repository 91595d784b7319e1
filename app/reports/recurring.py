"""Revenue churn: how much of what came in monthly went with those who were lost.

Nobody here has a contract, so the monthly recurring revenue at the start of a month is what the people who were there
then had paid in the days that make somebody active (90, say), refunds taken off, as an average of 30 days; lost is the
part of those who were gone at its end. A shorter look back would never see what a silent customer used to pay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Select, case, func, literal, select, union_all

from app.events.models import Event
from app.reports.periods import DAY, place, place_number, seconds
from app.reports.presence import Stretches
from app.reports.retention import Retention, Way, people_of, retentions, ways_of
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


def stays(rows: Rows, there: Stretches, days: int, ends: Sequence[datetime]) -> tuple[list[Retention], list[Recurring]]:
    """A Retention and a Recurring for each pair of neighbours among the moments, in one statement: who was there when
    takes most of the time of both. Revenue looks back so many days."""
    ways = select(ways_of(there, ends)).cte("way").prefix_with("MATERIALIZED")
    people = people_of(ways).subquery("people")
    money = _money(ways, days, ends).subquery("money")
    both = union_all(select(literal(0), people, literal(0)), select(literal(1), money))
    ways_of_people: dict[Way, int] = {}
    paid: list[tuple[int, int, int, int, int, int]] = []
    for is_money, first, last, until, began, number, gone in rows.execute(both):
        if is_money:
            paid.append((first, last, until, began, int(number or 0), gone))
        else:
            ways_of_people[first, last, until, began] = int(number)
    return retentions(ways_of_people, len(ends)), _recurrings(paid, days, len(ends) - 1)


def _money(ways: CTE, days: int, ends: Sequence[datetime]) -> Select[*tuple[Any, ...]]:
    """(first and last moment that a purchase counts for, those of the stay it falls into, sum, whether it ended)."""
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
    following = seconds(func.lead(ways.c.first_at).over(partition_by=ways.c.subscriber_id, order_by=ways.c.first_at))
    stay = select(ways, following.label("next_at")).subquery("stay")
    goes_on = stay.c.next_at == stay.c.last_at + 1
    gone = case((goes_on, 0), else_=1)
    overlaps = (
        (stay.c.subscriber_id == paid.c.subscriber_id)
        & (stay.c.first_at <= paid.c.until)
        & (stay.c.last_at >= paid.c.since)
    )
    groups = (paid.c.since, paid.c.until, stay.c.first_at, stay.c.last_at)
    counted = select(*groups, func.sum(paid.c.paid), gone.label("gone")).join_from(paid, stay, overlaps)
    return counted.group_by(*groups, "gone")


def _recurrings(rows: Sequence[tuple[int, int, int, int, int, int]], days: int, months: int) -> list[Recurring]:
    start, lost = [0] * months, [0] * months
    for since, until, first, last, paid, gone in rows:
        for at in range(max(since, first), min(until, last, months - 1) + 1):
            start[at] += paid
            lost[at] += paid if gone and at == last else 0
    return [_recurring(*each, days) for each in zip(start, lost, strict=True)]


def _recurring(start: int, lost: int, days: int) -> Recurring:
    """More refunds than revenue leave nothing to be lost."""
    mrr, gone = (round(each * MONTH_DAYS / days) for each in (start, lost))
    return Recurring(mrr, gone, kpi.revenue_churn(start, lost) if start > 0 else None)
