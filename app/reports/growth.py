"""Who joined and who left, month by month, and how many could be mailed at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.reports.periods import counts, edges, inside, span
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
    """A Growth for each month."""
    ends = edges(months, now)
    joined, left, bounced = (
        counts(session, select(span(moment, ends), func.count()).where(which, inside(moment, ends)).group_by("span"))
        for moment, which in (
            (Standing.created_at, _JOINED),
            (Standing.ended_at, _JOINED),
            (Standing.ended_at, Standing.status == Status.BOUNCED),
        )
    )
    return [
        Growth(month.label, month.start, month.end > now, *(each.get(at, 0) for each in (joined, left, bounced)))
        for at, month in enumerate(months)
    ]


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
