"""The report of a segment: engagement, retention, churn and repeat rate by month, as one value.

Pages, CSV and the API all show this value. Not in charge of how each figure is counted (`engagement`, `retention`,
`repeat`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.audiences.segment import find
from app.reports.engagement import Engagement, engagement
from app.reports.periods import edges, months_until
from app.reports.presence import Presence, stretches
from app.reports.query import SegmentQuery
from app.reports.repeat import Repeat, repeat_rates
from app.reports.retention import Retention, retention_between
from app.reports.scope import Scope, count_people


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month in the organisation's time zone, [start, end); a running one is counted up to `as_of`."""

    label: str
    start: datetime
    end: datetime
    is_running: bool
    engagement: Engagement
    retention: Retention
    repeat: Repeat


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """`people` are active subscribers in the segment today, `measured` those of them who agreed to personal tracking:
    opens and clicks can only be theirs."""

    segment_id: int | None
    name: str | None
    people: int
    measured: int
    presence: Presence
    days: int
    as_of: datetime
    months: tuple[Month, ...]


def segment_report(session: Session, segment_id: int | None, query: SegmentQuery, now: datetime) -> SegmentReport:
    """The report of a segment, or of everybody for None; NotFound."""
    segment = find(session, segment_id) if segment_id is not None else None
    scope = Scope(segment_id, as_it_was=query.presence is Presence.MEMBER)
    periods = months_until(session, query.until, query.months, now)
    there = stretches(query.presence, query.days, scope)
    did = engagement(session, scope, periods, now)
    stayed = retention_between(session, there, edges(periods, now))
    again = repeat_rates(session, scope, periods, now)
    people, measured = count_people(session, scope)
    return SegmentReport(
        segment_id=segment_id,
        name=segment.name if segment else None,
        people=people,
        measured=measured,
        presence=query.presence,
        days=query.days,
        as_of=now,
        months=tuple(
            Month(period.label, period.start, period.end, period.end > now, *figures)
            for period, figures in zip(periods, zip(did, stayed, again, strict=True), strict=True)
        ),
    )
