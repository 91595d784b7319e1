"""Segments side by side: a row for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.audiences.models import Segment
from app.audiences.segment import current_segments
from app.reports.definitions import Definitions, definitions
from app.reports.periods import edges, months_until
from app.reports.presence import Presence, stretches
from app.reports.retention import Retention, retention_between, retention_by_segment
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, Scope, count_people

MONTHS = 6


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A segment (None: everybody) and its retention in the last months, the running one left out; none of a
    group that is too small."""

    segment_id: int | None
    name: str | None
    people: int | None
    months: tuple[Retention, ...]


@dataclass(frozen=True, slots=True)
class SegmentComparison:
    """`labels` are the months of every line; active is who is not lost, by what is `meant`."""

    as_of: datetime
    labels: tuple[datetime, ...]
    meant: Definitions
    lines: tuple[SegmentLine, ...]


def compare_segments(session: Session, now: datetime, rows: Rows | None = None) -> SegmentComparison:
    """Everybody first, then the segments by name; two statements whatever their number."""
    *months, running = months_until(session, None, MONTHS + 1, now)
    if running.end <= now:
        months = [*months[1:], running]
    moments = edges(months, now)
    meant = definitions(session)
    there = stretches(Presence.ACTIVE, meant, Scope())
    all_people, _measured = count_people(session, Scope())
    everybody = SegmentLine(None, None, all_people, tuple(retention_between(rows or session, there, moments)))
    by_segment = retention_by_segment(rows or session, there, moments)
    segments = (
        SegmentLine(segment.id, segment.name, segment.size, _shown(segment, by_segment))
        for segment in current_segments(session)
    )
    return SegmentComparison(now, tuple(month.start for month in months), meant, (everybody, *segments))


def _shown(segment: Segment, months: Mapping[int, Sequence[Retention]]) -> tuple[Retention, ...]:
    return tuple(months.get(segment.id, ())) if (segment.size or 0) >= SMALLEST_GROUP else ()
