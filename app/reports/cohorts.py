"""The cohort grid: of those who joined (or first bought) in a month, how many did something in each month since."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.reports.periods import counts, edges, inside, months_until, span
from app.reports.presence import bought, clicked
from app.reports.query import CohortQuery, Metric, Since
from app.reports.scope import Scope
from app.subscribers.models import Standing, Status
from segments.cohort import triangle

_DID = {Metric.CLICKED: clicked(), Metric.BOUGHT: bought(), Metric.ACTIVE: or_(clicked(), bought())}
_SINCE: dict[Since, Any] = {Since.JOINED: Standing.created_at, Since.FIRST_ORDER: Standing.first_order_at}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a cohort, and in percent of it (None of an empty one)."""

    people: int
    share: float | None
    is_running: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people of one month; `months` begins with that month itself, None where a month is still to come."""

    label: str
    start: datetime
    size: int
    months: tuple[Share | None, ...]


@dataclass(frozen=True, slots=True)
class CohortGrid:
    """A row for each month, the oldest first."""

    since: Since
    metric: Metric
    segment_id: int | None
    as_of: datetime
    cohorts: tuple[Cohort, ...]


def cohort_grid(session: Session, query: CohortQuery, now: datetime) -> CohortGrid:
    """The grid, in two statements."""
    months = months_until(session, query.until, query.months, now)
    scope, ends = Scope(query.segment), edges(months, now)
    sizes = dict.fromkeys(range(len(months)), 0) | _sizes(session, query.since, scope, ends)
    if query.metric is Metric.SUBSCRIBED:
        rows = _still_subscribed(session, query.since, scope, ends)
    else:
        rows = _did(session, query, scope, ends)
    found = triangle(rows, sizes, len(months) - 1, last_is_complete=months[-1].end <= now)
    return CohortGrid(
        since=query.since,
        metric=query.metric,
        segment_id=query.segment,
        as_of=now,
        cohorts=tuple(
            Cohort(
                months[row.joined].label,
                months[row.joined].start,
                row.size,
                tuple(Share(cell.people, cell.share, cell.partial) if cell else None for cell in row.cells),
            )
            for row in found.rows
        ),
    )


def _members(since: Since) -> tuple[ColumnElement[bool], ...]:
    """Who is in any cohort: nobody who has only asked and never confirmed."""
    return (Standing.status != Status.PENDING,) if since is Since.JOINED else ()


def _sizes(session: Session, since: Since, scope: Scope, ends: Sequence[datetime]) -> dict[int, int]:
    joined = _SINCE[since]
    counted = select(span(joined, ends), func.count()).where(inside(joined, ends), *_members(since)).group_by("span")
    return counts(session, scope.of_today(counted, Standing.subscriber_id))


def _did(session: Session, query: CohortQuery, scope: Scope, ends: Sequence[datetime]) -> list[tuple[int, int, int]]:
    """(cohort, month, people) of those who did it in that month."""
    joined = _SINCE[query.since]
    counted = (
        select(
            span(joined, ends).label("cohort"),
            span(Event.occurred_at, ends),
            func.count(Standing.subscriber_id.distinct()),
        )
        .join(Event, Event.subscriber_id == Standing.subscriber_id)
        .where(_DID[query.metric], inside(Event.occurred_at, ends), inside(joined, ends), *_members(query.since))
        .group_by("cohort", "span")
    )
    rows = session.execute(scope.of_today(counted, Standing.subscriber_id))
    return [(cohort, month, people) for cohort, month, people in rows if month >= cohort]


def _still_subscribed(
    session: Session, since: Since, scope: Scope, ends: Sequence[datetime]
) -> list[tuple[int, int, int]]:
    """(cohort, month, people) of those who had not left by the end of that month."""
    joined, last = _SINCE[since], len(ends) - 2
    counted = (
        select(span(joined, ends).label("cohort"), span(Standing.ended_at, ends), func.count())
        .where(inside(joined, ends), *_members(since))
        .group_by("cohort", "span")
    )
    still: Counter[tuple[int, int]] = Counter()
    for cohort, left_in, people in session.execute(scope.of_today(counted, Standing.subscriber_id)):
        for month in range(cohort, min(left_in - 1, last) + 1):
            still[cohort, month] += people
    return [(cohort, month, people) for (cohort, month), people in still.items()]
