"""Whose numbers a report shows: everybody's, or those of a segment's people, as of today or as they were then."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.subscribers.models import Standing, Status, TrackingMode

Truth = ColumnElement[bool]
Selected = TypeVar("Selected", bound=Select[*tuple[Any, ...]])
_IS_IN = Membership.left_at == LASTS
# Of smaller groups nothing but their size is shown: a rate of three people is gossip.
SMALLEST_GROUP = 10


class People(StrEnum):
    """Whose numbers: of those who are in a segment today, or of those who were in it then."""

    NOW = "now"
    THEN = "then"


@dataclass(frozen=True, slots=True)
class Scope:
    """`segment_id` None is everybody; `as_it_was` asks who was in the segment at the moment something happened."""

    segment_id: int | None = None
    as_it_was: bool = False

    def of(self, statement: Selected, person: Any, moment: Any) -> Selected:
        """The statement over what happened to its people alone; `person` and `moment` are the columns that say so.

        A join and no condition: so a database can begin with the few people of a segment.
        """
        return self._joined(statement, person, self._was_in(moment) if self.as_it_was else _IS_IN)

    def of_today(self, statement: Selected, person: Any) -> Selected:
        """The statement over the people whom it has today, as of the last refresh of the segment."""
        return self._joined(statement, person, _IS_IN)

    def _joined(self, statement: Selected, person: Any, is_in: Truth) -> Selected:
        if self.segment_id is None:
            return statement
        member = and_(Membership.segment_id == self.segment_id, Membership.subscriber_id == person, is_in)
        return statement.join(Membership, member)

    @staticmethod
    def _was_in(moment: Any) -> Truth:
        return and_(Membership.joined_at <= moment, Membership.left_at > moment)


def count_people(session: Session, scope: Scope) -> tuple[int, int]:
    """How many active subscribers are in it today, and how many of them are measured personally."""
    measured = func.count().filter(Standing.tracking == TrackingMode.PERSONAL)
    counted = select(func.count(), measured).select_from(Standing).where(Standing.status == Status.ACTIVE)
    size, number = session.execute(scope.of_today(counted, Standing.subscriber_id)).one()
    return size, number
