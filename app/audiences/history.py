"""Who was in a segment on a day, and how many: read from the membership intervals."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from sqlalchemy import BigInteger, Select, case, exists, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.audiences.models import LASTS, BackfilledMembership, Membership

# All time zones of today begin their days on a quarter of an hour.
_QUARTER = 15 * 60


Intervals = type[Membership] | type[BackfilledMembership]


def members_at(segment_id: int, moment: datetime, among: Intervals = Membership) -> Select[int]:
    """SELECT the ids of those who were in the segment at this moment; `among` are the true intervals or worked out."""
    was_in = (among.joined_at <= moment, among.left_at > moment)
    return select(among.subscriber_id).where(among.segment_id == segment_id, *was_in)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many were in a segment then and are now, and how many of both are the same people."""

    then: int
    now: int
    stayed: int

    @property
    def left(self) -> int:
        return self.then - self.stayed

    @property
    def joined(self) -> int:
        return self.now - self.stayed


def compare(session: Session, segment_id: int, moment: datetime, among: Intervals = Membership) -> Comparison:
    """Then and now, by what is written down."""
    lasting = (Membership.segment_id == segment_id, Membership.left_at == LASTS)
    count = func.count()
    is_now, came_before = session.execute(
        select(count, count.filter(Membership.joined_at <= moment)).where(*lasting)
    ).one()
    # Who has been in ever since is there already; few others have left and come back.
    now = aliased(Membership)
    is_back = exists().where(
        now.segment_id == segment_id, now.left_at == LASTS, now.subscriber_id == among.subscriber_id
    )
    then = select(count, count.filter(is_back)).where(
        among.segment_id == segment_id, among.joined_at <= moment, among.left_at > moment
    )
    if among is Membership:
        was, stayed = session.execute(then.where(among.left_at < LASTS)).one()
        return Comparison(was + came_before, is_now, stayed + came_before)
    was, stayed = session.execute(then).one()
    return Comparison(was, is_now, stayed)


def sizes(session: Session, segment_id: int, moments: Sequence[datetime]) -> list[int]:
    """How many were in the segment just before each of these moments, which are full quarters of an hour."""
    came = _Tally(session, segment_id, Membership.joined_at, moments)
    went = _Tally(session, segment_id, Membership.left_at, moments)
    return [came.before(moment) - went.before(moment) for moment in moments]


class _Tally:
    """A running count of joins or leaves by the quarter of an hour, as far as these moments go."""

    def __init__(
        self,
        session: Session,
        segment_id: int,
        when: InstrumentedAttribute[datetime],
        moments: Sequence[datetime],
    ) -> None:
        first, last = min(moments), max(moments)
        quarter = type_coerce(when, BigInteger) // _QUARTER
        # Most happened before the first moment: all of that is one group.
        since = case((when < first, 0), else_=quarter).label("since")
        counted = select(since, func.count()).where(Membership.segment_id == segment_id, when < last)
        rows = session.execute(counted.group_by(since).order_by(since)).all()
        self._quarters = [int(at) for at, _number in rows]
        self._sums: list[int] = [*accumulate((number for _at, number in rows), initial=0)]

    def before(self, moment: datetime) -> int:
        return self._sums[bisect_right(self._quarters, int(moment.astimezone(UTC).timestamp()) // _QUARTER - 1)]
