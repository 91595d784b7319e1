"""The cohort grid: of those who joined (or first bought) in a month, how many did something in each month since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.reports.periods import counts, months_until, seconds, span_table, within
from app.reports.presence import bought, clicked
from app.reports.query import CohortQuery, Metric, Since
from app.reports.scope import Scope
from app.subscribers.models import Standing, Status
from segments.cohort import Period, triangle

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
    scope = Scope(query.segment)
    sizes = dict.fromkeys(range(len(months)), 0) | _sizes(session, query.since, scope, months, now)
    if query.metric is Metric.SUBSCRIBED:
        rows = _still_subscribed(session, query.since, scope, months, now)
    else:
        rows = _did(session, query, scope, months, now)
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


def _members(since: Since, scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """Who is in any cohort: nobody who has only asked and never confirmed."""
    joined = (Standing.status != Status.PENDING,) if since is Since.JOINED else ()
    return (*joined, scope.has_now(Standing.subscriber_id))


def _sizes(session: Session, since: Since, scope: Scope, months: Sequence[Period], now: datetime) -> dict[int, int]:
    span = span_table(months, now)
    counted = select(span.c.number, func.count()).join(Standing, within(_SINCE[since], span))
    return counts(session, counted.where(*_members(since, scope)).group_by(span.c.number))


def _did(
    session: Session, query: CohortQuery, scope: Scope, months: Sequence[Period], now: datetime
) -> list[tuple[int, int, int]]:
    """(cohort, month, people) of those who did it in that month."""
    span = span_table(months, now)
    joined, then = span.alias("joined"), span.alias("then")
    counted = (
        select(joined.c.number, then.c.number, func.count(Event.subscriber_id.distinct()))
        .select_from(Standing)
        .join(joined, within(_SINCE[query.since], joined))
        .join(Event, Event.subscriber_id == Standing.subscriber_id)
        .join(then, within(Event.occurred_at, then))
        .where(_DID[query.metric], *_members(query.since, scope), then.c.number >= joined.c.number)
        .group_by(joined.c.number, then.c.number)
    )
    return [(cohort, month, people) for cohort, month, people in session.execute(counted)]


def _still_subscribed(
    session: Session,
    since: Since,
    scope: Scope,
    months: Sequence[Period],
    now: datetime,
) -> list[tuple[int, int, int]]:
    """(cohort, month, people) of those who had not left by the end of that month."""
    span = span_table(months, now)
    joined, then = span.alias("joined"), span.alias("then")
    stays = or_(Standing.ended_at.is_(None), seconds(Standing.ended_at) >= then.c.until)
    counted = (
        select(joined.c.number, then.c.number, func.count())
        .select_from(Standing)
        .join(joined, within(_SINCE[since], joined))
        .join(then, then.c.number >= joined.c.number)
        .where(stays, *_members(since, scope))
        .group_by(joined.c.number, then.c.number)
    )
    return [(cohort, month, people) for cohort, month, people in session.execute(counted)]
