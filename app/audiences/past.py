"""Who was in a segment at the end of a day: by what was written down, or by its present rule where that was worked out.

In charge of which of the two answers a day, and of the words for it. Not of: keeping either (`refresh.py`,
`backfill.py`).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from app.audiences.history import Comparison, Intervals, compare, members_at
from app.audiences.models import LASTS, Backfill, BackfilledMembership, Membership, Segment, SegmentVersion
from app.audiences.reading import Reader
from app.audiences.segment import version_at, versions
from app.subscribers.models import Subscriber
from segments.calendar import Calendar


class By(StrEnum):
    """Whose answer: the rule that was in force then, or the one that is in force now."""

    RULE_THEN = "then"
    RULE_NOW = "now"


class Who(StrEnum):
    """Everybody who was in it then, those of them who are not any more, or those who have come since."""

    THEN = "then"
    LEFT = "left"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class Past:
    """A day of a segment; `version` is the rule that answers, None before the segment began."""

    on: date
    by: By
    moment: datetime
    version: SegmentVersion | None
    comparison: Comparison
    backfill: Backfill | None


def past(session: Session, segment: Segment, words: Reader, on: date, by: By) -> Past:
    """The segment as it was at the end of that day (now, if that is today or later)."""
    moment = end_of(on, words)
    backfill = session.get(Backfill, segment.id)
    version = versions(session, segment)[-1] if by is By.RULE_NOW else version_at(session, segment, moment)
    comparison = compare(session, segment.id, moment, _intervals(by, moment, backfill))
    return Past(on, by, moment, version, comparison, backfill)


def end_of(on: date, words: Reader) -> datetime:
    """The last second of a day there; the future is now."""
    end = Calendar(words.now, words.zone).start(on + timedelta(days=1)) - timedelta(seconds=1)
    return min(end, words.now)


def _intervals(by: By, moment: datetime, backfill: Backfill | None) -> Intervals:
    """Since the present rule is in force the true history is by it."""
    is_before = backfill is not None and moment < backfill.until
    return BackfilledMembership if by is By.RULE_NOW and is_before else Membership


def people(segment_id: int, seen: Past, who: Who, after: int, limit: int) -> "Select[Subscriber]":
    """SELECT the people, by id from the one after `after` on."""
    then = members_at(segment_id, seen.moment, _intervals(seen.by, seen.moment, seen.backfill))
    now = select(Membership.subscriber_id).where(Membership.segment_id == segment_id, Membership.left_at == LASTS)
    meant: dict[Who, list[ColumnElement[bool]]] = {
        Who.THEN: [Subscriber.id.in_(then)],
        Who.LEFT: [Subscriber.id.in_(then), Subscriber.id.not_in(now)],
        Who.JOINED: [Subscriber.id.in_(now), Subscriber.id.not_in(then)],
    }
    return select(Subscriber).where(*meant[who], Subscriber.id > after).order_by(Subscriber.id).limit(limit)
