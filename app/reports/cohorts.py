"""The cohort grid: of those who joined (or did something first) in a month, how many did something in each since."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Subquery, func, or_, select
from sqlalchemy.orm import Session

from app.audiences.segment import find
from app.errors import Invalid
from app.events.models import Event
from app.feature import house
from app.reports.periods import counts, edges, inside, months_until, span
from app.reports.presence import READERS, bought, clicked
from app.reports.query import CohortQuery, Metric, Since
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, Scope
from app.shop.kinds import PURCHASED
from app.subscribers.models import Standing, Status
from segments.cohort import Period, triangle

_DID = {
    Metric.CLICKED: clicked(),
    Metric.BOUGHT: bought(),
    Metric.ACTIVE: or_(clicked(), bought()),
    Metric.REVENUE: Event.kind == PURCHASED.code,
}
# (cohort, month): people, and what they paid.
Cells = dict[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a cohort, and in percent of it (None of an empty one); `revenue` in minor units, if it was asked."""

    people: int
    share: float | None
    is_running: bool
    revenue: int | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people of one month; `months` begins with that month itself, None where a month is still to come.

    Of a cohort that is too small there are no months.
    """

    label: str
    start: datetime
    size: int
    months: tuple[Share | None, ...]


@dataclass(frozen=True, slots=True)
class CohortGrid:
    """A row for each month, the oldest first."""

    since: Since
    metric: Metric
    event: str | None
    segment_id: int | None
    as_of: datetime
    cohorts: tuple[Cohort, ...]


def cohort_grid(
    session: Session, query: CohortQuery, now: datetime, rows: Rows | None = None, smallest: int = SMALLEST_GROUP
) -> CohortGrid:
    """The grid, in two statements; Invalid for an event that nobody knows, NotFound for a segment."""
    if query.segment is not None:
        find(session, query.segment)
    source = rows or session
    months = months_until(session, query.until, query.months, now)
    scope, ends, starts = Scope(query.segment), edges(months, now), _starts(query)
    sizes = dict.fromkeys(range(len(months)), 0) | _sizes(source, starts, scope, ends)
    if query.metric is Metric.SUBSCRIBED:
        cells = _still_subscribed(source, starts, scope, ends)
    else:
        cells = _did(source, query, starts, scope, ends)
    return CohortGrid(
        query.since, query.metric, query.event, query.segment, now, _rows(months, sizes, cells, query, now, smallest)
    )


def _rows(
    months: Sequence[Period], sizes: dict[int, int], cells: Cells, query: CohortQuery, now: datetime, smallest: int
) -> tuple[Cohort, ...]:
    people = ((*place, number) for place, (number, _paid) in cells.items())
    found = triangle(people, sizes, len(months) - 1, last_is_complete=months[-1].end <= now)
    is_money = query.metric is Metric.REVENUE

    def share(cohort: int, age: int, cell: Any) -> Share | None:
        paid = cells.get((cohort, cohort + age), (0, 0))[1] if is_money else None
        return Share(cell.people, cell.share, cell.partial, paid) if cell else None

    return tuple(
        Cohort(
            months[row.joined].label,
            months[row.joined].start,
            row.size,
            tuple(share(row.joined, age, cell) for age, cell in enumerate(row.cells))
            if row.size >= smallest or not row.size
            else (),
        )
        for row in found.rows
    )


def _starts(query: CohortQuery) -> Subquery:
    """Who is in any cohort, and since when: nobody who has only asked and never confirmed."""
    person, known = Standing.subscriber_id, Standing.status != Status.PENDING
    match query.since:
        case Since.JOINED:
            return select(person, Standing.created_at.label("began")).where(known).subquery("start")
        case Since.FIRST_ORDER:
            return select(person, Standing.first_order_at.label("began")).subquery("start")
    kind = house().kinds.get(query.event or "")
    if kind is None:
        message = _("There is no such event.")
        raise Invalid(message, {"event": message})
    seen = Event.verdict.is_(None) | Event.verdict.in_(READERS)
    firsts = select(Event.subscriber_id, func.min(Event.occurred_at).label("began")).where(
        Event.kind == kind.code, seen
    )
    return firsts.group_by(Event.subscriber_id).subquery("start")


def _sizes(rows: Rows, starts: Subquery, scope: Scope, ends: Sequence[datetime]) -> dict[int, int]:
    began = starts.c.began
    counted = select(span(began, ends), func.count()).where(inside(began, ends)).group_by("span")
    return counts(rows, scope.of_today(counted, starts.c.subscriber_id))


def _did(rows: Rows, query: CohortQuery, starts: Subquery, scope: Scope, ends: Sequence[datetime]) -> Cells:
    """Those who did it in that month."""
    began = starts.c.began
    counted = (
        select(
            span(began, ends).label("cohort"),
            span(Event.occurred_at, ends),
            func.count(starts.c.subscriber_id.distinct()).filter(or_(Event.kind != PURCHASED.code, bought())),
            func.sum(Event.value),
        )
        .join_from(starts, Event, Event.subscriber_id == starts.c.subscriber_id)
        .where(_DID[query.metric], inside(Event.occurred_at, ends), inside(began, ends))
        .group_by("cohort", "span")
    )
    found = rows.execute(scope.of_today(counted, starts.c.subscriber_id))
    return {(cohort, month): (people, int(paid or 0)) for cohort, month, people, paid in found if month >= cohort}


def _still_subscribed(rows: Rows, starts: Subquery, scope: Scope, ends: Sequence[datetime]) -> Cells:
    """Those who had not left by the end of that month."""
    began, last = starts.c.began, len(ends) - 2
    counted = (
        select(span(began, ends).label("cohort"), span(Standing.ended_at, ends), func.count())
        .join_from(starts, Standing, Standing.subscriber_id == starts.c.subscriber_id)
        .where(inside(began, ends))
        .group_by("cohort", "span")
    )
    still: Counter[tuple[int, int]] = Counter()
    for cohort, left_in, people in rows.execute(scope.of_today(counted, starts.c.subscriber_id)):
        for month in range(cohort, min(left_in - 1, last) + 1):
            still[cohort, month] += people
    return {place: (people, 0) for place, people in still.items()}
