"""The next mails of a shard: taken from the ledger, each person's right to it checked in the same transaction.

Who has left, is suppressed, was never confirmed, ended the topic or has had enough mail between the launch and now is
marked skipped with the reason (TRUST R6, Q14); all others are marked in flight before anything is handed over. The
caller holds the shard, by `shards.renew` in this transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, null, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Organisation
from app.campaigns.models import Campaign
from app.db import one_of
from app.delivery.journal import Stretch
from app.delivery.models import Delivery, DeliveryState
from app.delivery.shards import in_stretch
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
    CAPPED = "capped"
    BAD_ADDRESS = "bad_address"


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


def take_batch(session: Session, stretch: Stretch, size: int, now: datetime) -> tuple[list[Taken], bool]:
    """Up to `size` mails that are due, now in flight, less those that are skipped; and whether no more are due."""
    reasons = _refusals(session, stretch.campaign_id, now)
    if reasons.has_cap:
        _lock_people(session, stretch, size, now)
    taken: list[Taken] = []
    skipped: dict[str, list[int]] = defaultdict(list)
    # One more than is taken, to know whether there is one.
    due = session.execute(_with_refusal(_due(stretch, size + 1, now), reasons.reason)).all()
    for person, attempts, reason in due[:size]:
        if reason is None:
            taken.append(Taken(person, attempts + 1))
        else:
            skipped[reason].append(person)
    for reason, people in skipped.items():
        _mark(session, stretch, people, state=DeliveryState.SKIPPED, reason=reason, next_try_at=None)
    if taken:
        people = [each.subscriber_id for each in taken]
        more = {"attempts": Delivery.attempts + 1, "reason": None, "next_try_at": None}
        _mark(session, stretch, people, state=DeliveryState.IN_FLIGHT, **more)
    return taken, len(due) <= size


def call_off(session: Session, stretch: Stretch) -> None:
    """Skip all that is still to be sent: the campaign was cancelled."""
    session.execute(
        update(Delivery)
        .where(
            in_stretch(stretch),
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
        )
        .values(state=DeliveryState.SKIPPED, reason=SkipReason.CANCELLED, next_try_at=None)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class _Refusals:
    reason: ColumnElement[str | None]
    has_cap: bool


def _refusals(session: Session, campaign_id: int, now: datetime) -> _Refusals:
    """Why somebody with a Delivery may not be mailed now, as a column that is NULL if she may."""
    asked = select(Campaign.topic_id, Organisation.cap_campaigns, Organisation.cap_days)
    asked = asked.outerjoin(Organisation, Organisation.id == 1).where(Campaign.id == campaign_id)
    topic_id, campaigns, days = session.execute(asked).one()
    suppressed = exists().where(Suppression.address_hash == Subscriber.address_hash)
    whens: list[tuple[ColumnElement[bool], str]] = [(Standing.subscriber_id.is_(None), SkipReason.ERASED.value)]
    whens += [(Standing.status == status, reason.value) for status, reason in _BY_STATUS.items()]
    whens.append((suppressed, SkipReason.SUPPRESSED.value))
    if topic_id is not None:
        whens.append((~_subscribes(topic_id), SkipReason.TOPIC_ENDED.value))
    if campaigns and days:
        whens.append((_mailed(campaign_id, now - timedelta(days=days)) >= campaigns, SkipReason.CAPPED.value))
    return _Refusals(case(*whens, else_=null()), bool(campaigns and days))


def _subscribes(topic_id: int) -> ColumnElement[bool]:
    return exists().where(
        Subscription.topic_id == topic_id,
        Subscription.subscriber_id == Standing.subscriber_id,
        Subscription.ended_at.is_(None),
    )


def _mailed(campaign_id: int, since: datetime) -> ColumnElement[int]:
    """How many other campaigns she was sent since then, or is being sent now."""
    other = aliased(Delivery)
    sent = and_(other.state == DeliveryState.SENT, other.sent_at >= since)
    mailed = (other.campaign_id != campaign_id, or_(sent, other.state == DeliveryState.IN_FLIGHT))
    counted = select(func.count()).select_from(other).where(other.subscriber_id == Standing.subscriber_id, *mailed)
    return counted.correlate(Standing).scalar_subquery()


def _due(stretch: Stretch, size: int, now: datetime) -> Select[int, int]:
    again = and_(Delivery.state == DeliveryState.DEFERRED, Delivery.next_try_at <= now)
    query = select(Delivery.subscriber_id, Delivery.attempts).where(
        in_stretch(stretch), or_(Delivery.state == DeliveryState.QUEUED, again)
    )
    return query.order_by(Delivery.subscriber_id).limit(size)


def _with_refusal(due: Select[int, int], reason: ColumnElement[str | None]) -> Select[int, int, str | None]:
    mails = due.subquery()
    return (
        select(mails.c.subscriber_id, mails.c.attempts, reason)
        .select_from(mails)
        .outerjoin(Standing, Standing.subscriber_id == mails.c.subscriber_id)
        .outerjoin(Subscriber, Subscriber.id == mails.c.subscriber_id)
        .order_by(mails.c.subscriber_id)
    )


def _lock_people(session: Session, stretch: Stretch, size: int, now: datetime) -> None:
    """Of two campaigns that claim one person at once, the second must see the first: the cap counts both."""
    whose = _due(stretch, size, now).subquery()
    people = select(Standing.subscriber_id).where(Standing.subscriber_id.in_(select(whose.c.subscriber_id)))
    session.execute(people.order_by(Standing.subscriber_id).with_for_update())


def _mark(session: Session, stretch: Stretch, people: Sequence[int], **values: object) -> None:
    mails = (Delivery.campaign_id == stretch.campaign_id, one_of(Delivery.subscriber_id, people))
    session.connection().execute(update(Delivery.__table__).where(*mails).values(values))  # type: ignore[arg-type]
