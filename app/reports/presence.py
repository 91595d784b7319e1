"""When somebody is there, as stretches of time that do not overlap: what retention is counted from.

Two definitions, and a report always says which: `active` people clicked, bought or confirmed in the days before a
moment; `member`s were in the segment (or, of everybody, subscribed). Each is a SELECT of (subscriber_id, since, until,
first) in seconds; somebody is there just before a moment t where since < t <= until.
"""

from enum import StrEnum

from sqlalchemy import Select, and_, case, func, literal, or_, select

from app.audiences.models import LASTS, Membership
from app.events.models import Event, Verdict
from app.reports.periods import DAY, seconds
from app.reports.scope import Scope, Truth
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import CONFIRMED
from app.subscribers.models import Standing, Status
from app.tracking.kinds import CLICKED

READERS = tuple(verdict for verdict in Verdict if verdict.is_reader)
Stretches = Select[int, int, int, int]


class Presence(StrEnum):
    """What it means to be there."""

    ACTIVE = "active"
    MEMBER = "member"


def stretches(presence: Presence, days: int, scope: Scope) -> Stretches:
    """When the people of the scope were there; `days` is how long something done makes somebody active."""
    if presence is Presence.ACTIVE:
        return _active(days, scope)
    return _subscribed() if scope.segment_id is None else _in_segment(scope.segment_id)


def bought() -> Truth:
    """Events that are a purchase and no refund."""
    return and_(Event.kind == PURCHASED.code, func.coalesce(Event.value, 0) >= 0)


def clicked() -> Truth:
    """Events that are a reader's click, no machine's."""
    return and_(Event.kind == CLICKED.code, Event.verdict.in_(READERS))


def did_something() -> Truth:
    """Events that make somebody active."""
    return or_(Event.kind == CONFIRMED.code, clicked(), bought())


def _active(days: int, scope: Scope) -> Stretches:
    """From each thing done until the next, at most so many days: so a moment meets each person at most once."""
    done_at = seconds(Event.occurred_at)
    person = Event.subscriber_id
    happened = select(
        person,
        done_at.label("since"),
        seconds(func.lead(done_at).over(partition_by=person, order_by=done_at)).label("next"),
        seconds(func.first_value(done_at).over(partition_by=person, order_by=done_at, rows=(None, None))).label(
            "first"
        ),
    ).where(did_something())
    done = scope.of_today(happened, person).subquery("done")
    fades = done.c.since + literal(days * DAY)
    until = case((done.c.next < fades, done.c.next), else_=fades)
    return select(done.c.subscriber_id, done.c.since, until.label("until"), done.c.first)


def _in_segment(segment_id: int) -> Stretches:
    joined, left = seconds(Membership.joined_at), seconds(Membership.left_at)
    first = seconds(func.min(joined).over(partition_by=Membership.subscriber_id))
    return select(Membership.subscriber_id, joined.label("since"), left.label("until"), first.label("first")).where(
        Membership.segment_id == segment_id
    )


def _subscribed() -> Stretches:
    joined, left = seconds(Standing.created_at), func.coalesce(seconds(Standing.ended_at), int(LASTS.timestamp()))
    return select(Standing.subscriber_id, joined.label("since"), left.label("until"), joined.label("first")).where(
        Standing.status != Status.PENDING
    )
