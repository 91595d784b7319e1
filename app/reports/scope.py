"""Whose numbers a report shows: everybody's, or those of a segment's people, as of today or as they were then."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.subscribers.models import Standing, Status, TrackingMode

Truth = ColumnElement[bool]
# Of smaller groups nothing but their size is shown: a rate of three people is gossip.
SMALLEST_GROUP = 5


@dataclass(frozen=True, slots=True)
class Scope:
    """`segment_id` None is everybody; `as_it_was` asks who was in the segment at the moment something happened."""

    segment_id: int | None = None
    as_it_was: bool = False

    def has(self, person: Any, moment: Any) -> Truth:
        """Whether what happened to this person (a column of ids) at this moment (a column) counts."""
        if self.segment_id is None:
            return true()
        if not self.as_it_was:
            return self.has_now(person)
        member = (Membership.segment_id == self.segment_id, Membership.subscriber_id == person)
        return exists().where(*member, Membership.joined_at <= moment, Membership.left_at > moment)

    def has_now(self, person: Any) -> Truth:
        """Whether this person is in it today, as of the last refresh of the segment."""
        if self.segment_id is None:
            return true()
        lasting = (Membership.segment_id == self.segment_id, Membership.left_at == LASTS)
        has: Truth = person.in_(select(Membership.subscriber_id).where(*lasting))
        return has


def count_people(session: Session, scope: Scope) -> tuple[int, int]:
    """How many active subscribers are in it today, and how many of them are measured personally."""
    measured = func.count().filter(Standing.tracking == TrackingMode.PERSONAL)
    mine = (Standing.status == Status.ACTIVE, scope.has_now(Standing.subscriber_id))
    size, number = session.execute(select(func.count(), measured).select_from(Standing).where(*mine)).one()
    return size, number
