"""Who joined and who left, month by month, and how many could be mailed at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.reports.daily import EVERYBODY, day_number
from app.reports.kept import is_large
from app.reports.models import SegmentDaily
from app.reports.periods import counts, edges, inside, place_number, span
from app.subscribers.models import Standing, Status
from segments.cohort import Period

# Somebody who never confirmed has not joined.
_JOINED = Standing.status != Status.PENDING


@dataclass(frozen=True, slots=True)
class Growth:
    """A month's people: `left` are all who cannot be mailed any more, `bounced` those of them whose address failed."""

    label: str
    start: datetime
    is_running: bool
    joined: int
    left: int
    bounced: int


def growth(session: Session, months: Sequence[Period], now: datetime) -> list[Growth]:
    """A Growth for each month; in a large house, who joined and left is as of the daily rows."""
    ends = edges(months, now)
    joined, left = _of_days(session, months) if is_large(session) else _of_now(session, ends)
    bounced = _moved(session, Standing.ended_at, ends, Standing.status == Status.BOUNCED)
    return [
        Growth(month.label, month.start, month.end > now, *(each.get(at, 0) for each in (joined, left, bounced)))
        for at, month in enumerate(months)
    ]


def _of_now(session: Session, ends: Sequence[datetime]) -> tuple[dict[int, int], dict[int, int]]:
    """Who joined and who left, by the place of the month."""
    return _moved(session, Standing.created_at, ends, _JOINED), _moved(session, Standing.ended_at, ends, _JOINED)


def _moved(session: Session, when: Any, ends: Sequence[datetime], which: Any) -> dict[int, int]:
    return counts(session, select(span(when, ends), func.count()).where(which, inside(when, ends)).group_by("span"))


def _of_days(session: Session, months: Sequence[Period]) -> tuple[dict[int, int], dict[int, int]]:
    """The same of days, which are the organisation's."""
    zone = time_zone(session)
    borders = [day_number(month.start.astimezone(zone).date()) for month in months]
    row = SegmentDaily
    at = (place_number(row.day.expression, borders) - 1).label("span")
    summed = select(at, func.sum(row.joined), func.sum(row.left)).where(row.segment_id == EVERYBODY)
    found = session.execute(summed.where(row.day >= borders[0]).group_by("span")).all()
    return {at: int(joined) for at, joined, _ in found}, {at: int(left) for at, _, left in found}


def subscribers_at(session: Session, moments: Sequence[datetime]) -> list[int]:
    """How many had joined and not left at each of these moments."""
    here = [
        func.count().filter(
            Standing.created_at <= moment,
            Standing.ended_at.is_(None) | (Standing.ended_at > moment),
        )
        for moment in moments
    ]
    return list(session.execute(select(*here).select_from(Standing).where(_JOINED)).one())
