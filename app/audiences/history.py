"""Who was in a segment on a day, and how many: read from the membership intervals."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from sqlalchemy import BigInteger, Select, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.audiences.models import LASTS, Membership

# All time zones of today begin their days on a quarter of an hour.
_QUARTER = 15 * 60


def members_at(segment_id: int, moment: datetime) -> Select[int]:
    """SELECT the ids of those who were in the segment at this moment."""
    was_in = (Membership.joined_at <= moment, Membership.left_at > moment)
    return select(Membership.subscriber_id).where(Membership.segment_id == segment_id, *was_in)


def sizes(session: Session, segment_id: int, moments: Sequence[datetime]) -> list[int]:
    """How many were in the segment just before each of these moments, which are full quarters of an hour."""
    came = _Tally(session, segment_id, Membership.joined_at)
    went = _Tally(session, segment_id, Membership.left_at)
    return [came.before(moment) - went.before(moment) for moment in moments]


class _Tally:
    """A running count of joins or leaves by the quarter of an hour."""

    def __init__(self, session: Session, segment_id: int, when: InstrumentedAttribute[datetime]) -> None:
        quarter = (type_coerce(when, BigInteger) // _QUARTER).label("quarter")
        counted = select(quarter, func.count()).where(Membership.segment_id == segment_id, when < LASTS)
        rows = session.execute(counted.group_by(quarter).order_by(quarter)).all()
        self._quarters = [int(at) for at, _number in rows]
        self._sums = [0, *accumulate(number for _at, number in rows)]

    def before(self, moment: datetime) -> int:
        return self._sums[bisect_right(self._quarters, int(moment.astimezone(UTC).timestamp()) // _QUARTER - 1)]
