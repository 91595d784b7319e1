"""Segments side by side over years: read from the daily rows alone.

What a month shows is what its days add up to, by whoever was in the segment then; its size is that of its last day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.segment import current_segments
from app.reports.daily import EVERYBODY, built_at, day_number
from app.reports.models import SegmentDaily
from app.reports.periods import months_until, place_number
from app.reports.query import HistoryQuery
from app.reports.scope import SMALLEST_GROUP
from segments import kpi

# By segment and place of the month.
_Sums = dict[tuple[int, int], tuple[int, ...]]
_Sizes = dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class MonthOf:
    """A month of a segment as it was. `left` of those who were in it; `churn` is left / size before · 100, in percent,
    None of a group that was too small. `uniques` is the mean number of people who read per day."""

    size: int
    joined: int
    left: int
    churn: float | None
    opens: int
    clicks: int
    uniques: float
    purchases: int
    revenue: int


@dataclass(frozen=True, slots=True)
class SegmentHistory:
    """`segment_id` None is everybody; `months` as the report's labels."""

    segment_id: int | None
    name: str | None
    months: tuple[MonthOf, ...]

    @property
    def first(self) -> int:
        """The place of the first month in which there was anything; of the last, where there never was."""
        there = (at for at, month in enumerate(self.months) if any(getattr(month, name) for name in MonthOf.__slots__))
        return next(there, len(self.months) - 1)


@dataclass(frozen=True, slots=True)
class History:
    """`as_of` is when the rows were built, None before the first time; `labels` are YYYY-MM, the last one running."""

    as_of: datetime | None
    labels: tuple[str, ...]
    is_running: bool
    segments: tuple[SegmentHistory, ...]


def history(session: Session, query: HistoryQuery, now: datetime) -> History:
    """Every segment's months, in two statements."""
    months = months_until(session, query.until, query.months, now)
    zone = time_zone(session)
    borders = [*(month.start for month in months), months[-1].end]
    days = [day_number(border.astimezone(zone).date()) for border in borders]
    sums, sizes = _sums(session, days), _sizes(session, [day - 1 for day in days])
    names = {EVERYBODY: None, **{segment.id: segment.name for segment in current_segments(session)}}
    return History(
        as_of=built_at(session),
        labels=tuple(month.label for month in months),
        is_running=months[-1].end > now,
        segments=tuple(
            SegmentHistory(segment or None, name, _months(segment, sums, sizes, len(months)))
            for segment, name in names.items()
        ),
    )


def _months(segment: int, sums: _Sums, sizes: _Sizes, count: int) -> tuple[MonthOf, ...]:
    return tuple(
        _month(sums.get((segment, at), (0,) * 8), *(sizes.get((segment, each), 0) for each in (at, at + 1)))
        for at in range(count)
    )


def _month(summed: tuple[int, ...], before: int, size: int) -> MonthOf:
    days, joined, left, opens, clicks, uniques, purchases, revenue = summed
    return MonthOf(
        size=size,
        joined=joined,
        left=left,
        churn=kpi.churn(before, left) if before >= SMALLEST_GROUP else None,
        opens=opens,
        clicks=clicks,
        uniques=uniques / days if days else 0.0,
        purchases=purchases,
        revenue=revenue,
    )


def _sums(session: Session, borders: Sequence[int]) -> _Sums:
    """Of each segment and month: days, and what they add up to."""
    row = SegmentDaily
    at = place_number(row.day.expression, borders)
    figures = (row.joined, row.left, row.opens, row.clicks, row.uniques, row.purchases, row.revenue)
    summed = (
        select(row.segment_id, at.label("at"), func.count(), *(func.sum(each) for each in figures))
        .where(row.day >= borders[0], row.day < borders[-1])
        .group_by(row.segment_id, "at")
    )
    return {(segment, at - 1): tuple(int(each) for each in of) for segment, at, *of in session.execute(summed)}


def _sizes(session: Session, days: Sequence[int]) -> _Sizes:
    """By segment and place: at the end of each of these days; of one that is still to come, the newest there is."""
    row = SegmentDaily
    newest = session.scalar(select(func.max(row.day)).where(row.segment_id == EVERYBODY)) or 0
    wanted = [min(day, newest) for day in days]
    found = session.execute(select(row.segment_id, row.day, row.size).where(row.day.in_(set(wanted))))
    by_day = {(segment, day): size for segment, day, size in found}
    segments = {segment for segment, _day in by_day}
    return {(each, at): by_day.get((each, day), 0) for each in segments for at, day in enumerate(wanted)}
