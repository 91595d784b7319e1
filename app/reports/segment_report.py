"""The report of a segment: engagement, retention, churn, repeat rate, value and answers by month, as one value.

Pages, files and the API all show this value. Not in charge of how each figure is counted (`engagement`, `retention`,
`recurring`, `repeat`, `answers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.audiences.segment import find
from app.reports.answers import LATELY, Answers, answers, can_be_given, were_given
from app.reports.definitions import Definitions, definitions
from app.reports.engagement import Engagement, engagement
from app.reports.periods import edges, months_until
from app.reports.presence import Presence, stretches
from app.reports.query import SegmentQuery
from app.reports.recurring import Recurring, stays
from app.reports.repeat import Repeat, repeat_rates
from app.reports.retention import Retention
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, People, Scope, count_people


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
    recurring: Recurring
    answers: Answers


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """`people` are active subscribers in the segment today, `measured` those of them who agreed to personal tracking:
    opens and clicks can only be theirs. `months` are none of a segment too small to be broken down. `answers` are those
    of the 90 days before `as_of`, None where nobody can answer."""

    segment_id: int | None
    name: str | None
    people: int
    measured: int
    presence: Presence
    people_are: People
    meant: Definitions
    as_of: datetime
    months: tuple[Month, ...]
    answers: Answers | None


def segment_report(
    session: Session,
    segment_id: int | None,
    query: SegmentQuery,
    now: datetime,
    rows: Rows | None = None,
    smallest: int = SMALLEST_GROUP,
) -> SegmentReport:
    """The report of a segment, or of everybody for None, with the heavy counts from `rows`; NotFound."""
    segment = find(session, segment_id) if segment_id is not None else None
    meant = definitions(session).with_asked(query.days, query.times)
    then = query.presence is Presence.MEMBER or query.people is People.THEN
    scope, source = Scope(segment_id, as_it_was=then), rows or session
    periods = months_until(session, query.until, query.months, now)
    there = stretches(query.presence, meant, scope)
    ends = edges(periods, now)
    retention, recurring = stays(source, there, meant.active_days, ends)
    by_month, lately = _answered(session, source, scope, (ends, [now - LATELY, now]), smallest)
    figures = (
        engagement(source, scope, periods, now),
        retention,
        repeat_rates(source, scope, periods, now, meant),
        recurring,
        by_month,
    )
    people, measured = count_people(session, scope)
    months = tuple(
        Month(period.label, period.start, period.end, period.end > now, *of)
        for period, of in zip(periods, zip(*figures, strict=True), strict=True)
    )
    # Of those in it then there may have been more than there are today.
    largest = max([people, *(month.retention.end for month in months if then)])
    return SegmentReport(
        segment_id=segment_id,
        name=segment.name if segment else None,
        people=people,
        measured=measured,
        presence=query.presence,
        people_are=People.THEN if then else People.NOW,
        meant=meant,
        as_of=now,
        months=months if segment_id is None or largest >= smallest else (),
        answers=lately[0] if can_be_given() else None,
    )


def _answered(
    session: Session, rows: Rows, scope: Scope, times: Sequence[Sequence[datetime]], smallest: int
) -> list[list[Answers]]:
    """The answers of each stretch of each of these times; where nobody ever answered, nothing is read for them."""
    if not were_given(session):
        return [[Answers()] * (len(moments) - 1) for moments in times]
    return [answers(rows, scope, moments, smallest) for moments in times]
