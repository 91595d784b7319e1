"""Leaving, coming back, being suppressed, and who may be tracked.

In charge of: the moves between the states of `Status`, each a conditional UPDATE, so that doing one twice, or twice at
once, is harmless. An objection or complaint is stronger than whatever wants to mail later (TRUST L14). Not of: signing
up (`signup`) and erasure (`erasing`).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, and_, exists, select, update
from sqlalchemy.orm import Session

from app.events.record import happening, record
from app.subscribers.consent import Agreement, record_consent, withdraw
from app.subscribers.kinds import CONSENT_CHANGED, SUBSCRIBED, UNSUBSCRIBED
from app.subscribers.models import (
    Basis,
    ConsentRecord,
    Standing,
    Status,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionReason,
    TrackingMode,
)
from app.subscribers.people import insert_into, lock

# How long "that was a mistake" can be said.
UNDO = timedelta(hours=24)

_STATUS_OF = {
    SuppressionReason.BOUNCED: Status.BOUNCED,
    SuppressionReason.COMPLAINED: Status.COMPLAINED,
    SuppressionReason.MANUAL: Status.UNSUBSCRIBED,
    SuppressionReason.ERASED: Status.ERASED,
}
# From which states a suppression may take somebody: a bounce says nothing new of one who has left.
_MAY_MOVE = {
    SuppressionReason.BOUNCED: (Status.PENDING, Status.ACTIVE),
    SuppressionReason.COMPLAINED: (Status.PENDING, Status.ACTIVE, Status.UNSUBSCRIBED, Status.BOUNCED),
    SuppressionReason.MANUAL: (Status.PENDING, Status.ACTIVE),
}


def unsubscribe(
    session: Session,
    subscriber_id: int,
    now: datetime,
    *,
    topic_id: int | None = None,
    campaign_id: int | None = None,
    how: str,
) -> bool:
    """Leave one topic, or everything without one or with the last one; False if that is so already."""
    lock(session, subscriber_id)
    if topic_id:
        left = _end_subscriptions(session, subscriber_id, now, topic_id)
        if _has_subscriptions(session, subscriber_id):
            if left:
                _record_leaving(session, subscriber_id, now, campaign_id, {"how": how, "topic_id": topic_id})
            return left
    may_leave = Standing.status.in_((Status.ACTIVE, Status.PENDING))
    if not _move(session, subscriber_id, may_leave, status=Status.UNSUBSCRIBED, ended_at=now):
        return False
    _end_subscriptions(session, subscriber_id, now)
    withdraw(session, subscriber_id, now)
    _record_leaving(session, subscriber_id, now, campaign_id, {"how": how})
    return True


def resubscribe(session: Session, subscriber_id: int, now: datetime, *, topic_id: int | None = None) -> bool:
    """Take back a leaving of the last 24 hours with all it ended: "that was a mistake"."""
    person = lock(session, subscriber_id)
    ended_at = person.standing.ended_at
    recently = Subscription.ended_at > now - UNDO
    if person.standing.status is Status.ACTIVE and topic_id:
        again = _restart_subscriptions(session, subscriber_id, recently & (Subscription.topic_id == topic_id))
    elif again := _move(session, subscriber_id, _may_return(person, now), status=Status.ACTIVE, ended_at=None):
        _restart_subscriptions(session, subscriber_id, Subscription.ended_at == ended_at)
        withdrawn = (ConsentRecord.subscriber_id == subscriber_id) & (ConsentRecord.withdrawn_at == ended_at)
        session.execute(update(ConsentRecord).where(withdrawn).values(withdrawn_at=None))
    if again:
        record(session, [happening(SUBSCRIBED, subscriber_id, now, data={"how": "undo"})])
    return again


def _may_return(person: Subscriber, now: datetime) -> Any:
    """Who has left just now and had consented before: a pending request must not become active by leaving it."""
    mine = ConsentRecord.subscriber_id == person.id
    consented = Standing.confirmed_at.is_not(None) | exists().where(mine, ConsentRecord.confirmed_at.is_not(None))
    suppressed = exists().where(Suppression.address_hash == person.address_hash)
    return and_(Standing.status == Status.UNSUBSCRIBED, Standing.ended_at > now - UNDO, consented, ~suppressed)


def suppress(
    session: Session,
    subscriber_id: int,
    reason: SuppressionReason,
    now: datetime,
    campaign_id: int | None = None,
) -> bool:
    """Never mail this address again; False if that changes nothing about the person."""
    person = lock(session, subscriber_id)
    put_on_suppression_list(session, person.address_hash, reason, now)
    may_move = Standing.status.in_(_MAY_MOVE[reason])
    if not _move(session, subscriber_id, may_move, status=_STATUS_OF[reason], ended_at=now):
        return False
    if reason is not SuppressionReason.BOUNCED:
        _end_subscriptions(session, subscriber_id, now)
        withdraw(session, subscriber_id, now)
    if reason is SuppressionReason.MANUAL:
        _record_leaving(session, subscriber_id, now, campaign_id, {"how": "suppressed"})
    return True


def put_on_suppression_list(session: Session, hashed: str, reason: SuppressionReason, now: datetime) -> None:
    """Note the hash of an address; a complaint or an objection is not weakened by a later bounce."""
    statement = insert_into(session, Suppression).values(address_hash=hashed, reason=reason, created_at=now)
    if reason is SuppressionReason.BOUNCED:
        session.execute(statement.on_conflict_do_nothing())
    else:
        values = {"reason": statement.excluded.reason, "created_at": statement.excluded.created_at}
        known_only_to_bounce = Suppression.reason == SuppressionReason.BOUNCED
        session.execute(
            statement.on_conflict_do_update(index_elements=["address_hash"], set_=values, where=known_only_to_bounce)
        )


def set_tracking(
    session: Session,
    subscriber_id: int,
    mode: TrackingMode,
    now: datetime,
    *,
    how: str,
    basis: Basis = Basis.DOUBLE_OPT_IN,
    wording: str = "",
    ip: str | None = None,
) -> bool:
    """Choose what may be learnt from opens and clicks, with proof; False if it is so already."""
    person = lock(session, subscriber_id)
    if not _move(session, subscriber_id, Standing.tracking != mode, tracking=mode):
        return False
    agreement = Agreement(basis, {"text": wording, "how": how, "tracking": mode.value}, mode, ip=ip)
    record_consent(session, person, person.email, agreement, now, confirmed=True)
    record(session, [happening(CONSENT_CHANGED, subscriber_id, now, data={"tracking": mode.value, "how": how})])
    return True


def _move(session: Session, subscriber_id: int, condition: Any, **values: Any) -> bool:
    statement = update(Standing).where(Standing.subscriber_id == subscriber_id, condition).values(values)
    return _changed(session.execute(statement))


def _end_subscriptions(session: Session, subscriber_id: int, now: datetime, topic_id: int | None = None) -> bool:
    lasting = (Subscription.subscriber_id == subscriber_id) & Subscription.ended_at.is_(None)
    if topic_id:
        lasting &= Subscription.topic_id == topic_id
    return _changed(session.execute(update(Subscription).where(lasting).values(ended_at=now)))


def _restart_subscriptions(session: Session, subscriber_id: int, condition: Any) -> bool:
    ended = update(Subscription).where(Subscription.subscriber_id == subscriber_id, condition)
    return _changed(session.execute(ended.values(ended_at=None)))


def _has_subscriptions(session: Session, subscriber_id: int) -> bool:
    lasting = (Subscription.subscriber_id == subscriber_id) & Subscription.ended_at.is_(None)
    return bool(session.scalar(select(exists().where(lasting))))


def _record_leaving(
    session: Session, subscriber_id: int, now: datetime, campaign_id: int | None, data: dict[str, Any]
) -> None:
    record(session, [happening(UNSUBSCRIBED, subscriber_id, now, campaign_id=campaign_id or None, data=data)])


def _changed(result: Any) -> bool:
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)
