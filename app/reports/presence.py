"""When somebody is there, as stretches of time that do not overlap: what retention is counted from.

Two definitions, and a report always says which: `active` people are those not lost, by the definitions that marketers
set; `member`s were in the segment (or, of everybody, subscribed). Each is a SELECT of (subscriber_id, since, until,
first) in seconds; somebody is there just before a moment t where since < t <= until.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import Select, Subquery, and_, case, func, literal, or_, select

from app.audiences.models import LASTS, Membership
from app.events.models import Event, Verdict
from app.reports.definitions import Definitions, Lost
from app.reports.periods import DAY, seconds
from app.reports.scope import Scope, Truth
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import CONFIRMED
from app.subscribers.models import Standing, Status, Subscription
from app.tracking.kinds import CLICKED

READERS = tuple(verdict for verdict in Verdict if verdict.is_reader)
Stretches = Select[int, int, int, int]
_FOREVER = int(LASTS.timestamp())


class Presence(StrEnum):
    """What it means to be there."""

    ACTIVE = "active"
    MEMBER = "member"


def stretches(presence: Presence, meant: Definitions, scope: Scope) -> Stretches:
    """When the people of the scope were there."""
    if presence is Presence.ACTIVE:
        return _not_lost(meant, scope)
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


def _not_lost(meant: Definitions, scope: Scope) -> Stretches:
    found = _not_silent(meant.active_days, scope) if Lost.SILENT in meant.lost_when else _known(scope)
    if Lost.UNSUBSCRIBED in meant.lost_when:
        found = _until_left(found)
    if Lost.SUBSCRIPTION_ENDED in meant.lost_when:
        found = _until_last_topic(found)
    if scope.as_it_was and scope.segment_id is not None:
        found = _while_in(found, scope.segment_id)
    first = seconds(func.min(found.c.since).over(partition_by=found.c.subscriber_id))
    return select(found.c.subscriber_id, found.c.since, found.c.until, first.label("first"))


def _not_silent(days: int, scope: Scope) -> Subquery:
    """From each thing done until the next, at most so many days: so a moment meets each person at most once."""
    done_at = seconds(Event.occurred_at)
    person = Event.subscriber_id
    following = seconds(func.lead(done_at).over(partition_by=person, order_by=done_at))
    happened = select(person, done_at.label("since"), following.label("next")).where(did_something())
    done = (happened if scope.as_it_was else scope.of_today(happened, person)).subquery("done")
    fades = done.c.since + literal(days * DAY)
    until = case((done.c.next < fades, done.c.next), else_=fades)
    return select(done.c.subscriber_id, done.c.since, until.label("until")).subquery("busy")


def _known(scope: Scope) -> Subquery:
    """From the first day on: silence loses nobody."""
    known = select(
        Standing.subscriber_id, seconds(Standing.created_at).label("since"), literal(_FOREVER).label("until")
    ).where(Standing.status != Status.PENDING)
    return (known if scope.as_it_was else scope.of_today(known, Standing.subscriber_id)).subquery("known")


def _until_left(found: Subquery) -> Subquery:
    ended = func.coalesce(seconds(Standing.ended_at), _FOREVER)
    cut = _cut(found, ended).join(Standing, Standing.subscriber_id == found.c.subscriber_id)
    return cut.subquery("staying")


def _until_last_topic(found: Subquery) -> Subquery:
    """Until the last of somebody's topics ended; who never had any is not lost by it."""
    topics = (
        select(Subscription.subscriber_id, seconds(func.max(Subscription.ended_at)).label("ended"))
        .group_by(Subscription.subscriber_id)
        .having(func.count() == func.count(Subscription.ended_at))
        .subquery("topics")
    )
    ended = func.coalesce(topics.c.ended, _FOREVER)
    joined = _cut(found, ended).outerjoin(topics, topics.c.subscriber_id == found.c.subscriber_id)
    return joined.subquery("subscribing")


def _cut(found: Subquery, ended: Any) -> Select[int, int, int]:
    until = case((ended < found.c.until, ended), else_=found.c.until).label("until")
    return select(found.c.subscriber_id, found.c.since, until).select_from(found).where(found.c.since < ended)


def _while_in(found: Subquery, segment_id: int) -> Subquery:
    """The part of each stretch in which she was in the segment."""
    joined, left = seconds(Membership.joined_at), seconds(Membership.left_at)
    since = case((joined > found.c.since, joined), else_=found.c.since).label("since")
    until = case((left < found.c.until, left), else_=found.c.until).label("until")
    overlaps = and_(
        Membership.segment_id == segment_id,
        Membership.subscriber_id == found.c.subscriber_id,
        joined < found.c.until,
        left > found.c.since,
    )
    return select(found.c.subscriber_id, since, until).join(Membership, overlaps).subquery("inside")


def _in_segment(segment_id: int) -> Stretches:
    joined, left = seconds(Membership.joined_at), seconds(Membership.left_at)
    first = seconds(func.min(joined).over(partition_by=Membership.subscriber_id))
    return select(Membership.subscriber_id, joined.label("since"), left.label("until"), first.label("first")).where(
        Membership.segment_id == segment_id
    )


def _subscribed() -> Stretches:
    joined, left = seconds(Standing.created_at), func.coalesce(seconds(Standing.ended_at), _FOREVER)
    return select(Standing.subscriber_id, joined.label("since"), left.label("until"), joined.label("first")).where(
        Standing.status != Status.PENDING
    )
