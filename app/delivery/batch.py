"""The next mails of a shard: taken from the ledger, each person's right to it checked in the same statement.

Who has left, is suppressed, was never confirmed or ended the topic between the launch and now is marked skipped with
the reason (TRUST R6, Q14); all others are marked in flight before anything is handed over.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, exists, literal, null, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.delivery.journal import Stretch
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Standing, Status, Subscriber, Subscription, Suppression


class SkipReason(StrEnum):
    """Why somebody of the audience was not mailed."""

    UNSUBSCRIBED = "unsubscribed"
    NOT_CONFIRMED = "not_confirmed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    TOPIC_ENDED = "topic_ended"
    CANCELLED = "cancelled"


_BY_STATUS = {
    Status.UNSUBSCRIBED: SkipReason.UNSUBSCRIBED,
    Status.PENDING: SkipReason.NOT_CONFIRMED,
    Status.BOUNCED: SkipReason.BOUNCED,
    Status.COMPLAINED: SkipReason.COMPLAINED,
    Status.ERASED: SkipReason.ERASED,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that is ours to send now, for the `attempts`-th time."""

    subscriber_id: int
    attempts: int


def take_batch(session: Session, stretch: Stretch, size: int, now: datetime) -> tuple[list[Taken], int]:
    """Up to `size` mails that are due, now in flight, and how many were skipped instead."""
    reason = _refusal()
    rows = session.execute(
        update(Delivery)
        .where(tuple_(Delivery.campaign_id, Delivery.subscriber_id).in_(_due(stretch, size, now)))
        .values(
            state=case((reason.is_(None), _code(DeliveryState.IN_FLIGHT)), else_=_code(DeliveryState.SKIPPED)),
            attempts=Delivery.attempts + case((reason.is_(None), 1), else_=0),
            reason=reason,
            next_try_at=None,
        )
        .returning(Delivery.subscriber_id, Delivery.state, Delivery.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    taken = [Taken(person, attempts) for person, state, attempts in rows if state is DeliveryState.IN_FLIGHT]
    return sorted(taken, key=lambda each: each.subscriber_id), len(rows) - len(taken)


def call_off(session: Session, stretch: Stretch) -> None:
    """Skip all that is still to be sent: the campaign was cancelled."""
    session.execute(
        update(Delivery)
        .where(
            *_in_shard(stretch),
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
        )
        .values(state=DeliveryState.SKIPPED, reason=SkipReason.CANCELLED, next_try_at=None)
        .execution_options(synchronize_session=False)
    )


def _due(stretch: Stretch, size: int, now: datetime) -> ScalarSelect[int]:
    again = and_(Delivery.state == DeliveryState.DEFERRED, Delivery.next_try_at <= now)
    query = select(Delivery.campaign_id, Delivery.subscriber_id).where(
        *_in_shard(stretch), or_(Delivery.state == DeliveryState.QUEUED, again)
    )
    return query.order_by(Delivery.subscriber_id).limit(size)  # type: ignore[return-value]


def _in_shard(stretch: Stretch) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Delivery.campaign_id == stretch.campaign_id, Delivery.shard == stretch.number


def _code(state: DeliveryState) -> ColumnElement[DeliveryState]:
    return literal(state, Delivery.state.type)


def _refusal() -> ScalarSelect[str]:
    """Why the person of a Delivery may not be mailed now; NULL if she may."""
    suppressed = exists().where(Suppression.address_hash == Subscriber.address_hash)
    subscribed = exists().where(
        Subscription.topic_id == Campaign.topic_id,
        Subscription.subscriber_id == Standing.subscriber_id,
        Subscription.ended_at.is_(None),
    )
    by_status = [(Standing.status == status, reason.value) for status, reason in _BY_STATUS.items()]
    reason = case(
        *by_status,
        (suppressed, SkipReason.SUPPRESSED.value),
        (and_(Campaign.topic_id.is_not(None), ~subscribed), SkipReason.TOPIC_ENDED.value),
        else_=null(),
    )
    people = select(reason).select_from(Standing).join(Subscriber, Subscriber.id == Standing.subscriber_id)
    mail = (Standing.subscriber_id == Delivery.subscriber_id, Campaign.id == Delivery.campaign_id)
    return people.join(Campaign, mail[1]).where(mail[0]).correlate(Delivery).scalar_subquery()
