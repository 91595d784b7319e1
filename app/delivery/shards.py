"""Who may work on which shard: claims, leases and epochs, all by conditional UPDATE on the database's clock.

A claim raises the epoch; whoever comes with an older one is too late and must stop at once (fencing). A lease is
renewed with each batch and by `watch.py` in between; one that ran out, or whose sender is known to be dead, may be
claimed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.db import db_now
from app.delivery.journal import Stretch
from app.delivery.models import Delivery, DeliveryState, Shard

LEASE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Claim:
    """A shard that is ours; `trouble_since` is when the relay began to turn it away."""

    stretch: Stretch
    trouble_since: datetime | None


def claim(session: Session, campaign_id: int, owner: str, now: datetime) -> Claim | None:
    """Take the first free shard of a campaign that has something to do."""
    free = (
        select(Shard.number)
        .where(Shard.campaign_id == campaign_id, claimable(now))
        .order_by(Shard.number)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = session.execute(
        update(Shard)
        .where(Shard.campaign_id == campaign_id, Shard.number == free, _is_free())
        .values(owner=owner, epoch=Shard.epoch + 1, lease_until=_from_now(LEASE))
        .returning(Shard.number, Shard.epoch, Shard.trouble_since)
    ).one_or_none()
    return Claim(Stretch(campaign_id, taken[0], taken[1]), taken[2]) if taken else None


def claimable(now: datetime) -> ColumnElement[bool]:
    """Of a Shard: nobody holds it, and some of its mails are due.

    What is in flight in a shard that nobody holds was left by the dead.
    """
    state = select(Campaign.state).where(Campaign.id == Shard.campaign_id).correlate(Shard).scalar_subquery()
    is_called_off = state == literal(CampaignState.CANCELLED, Campaign.state.type)
    return and_(_is_free(), or_(Shard.due_at.is_(None), Shard.due_at <= now, is_called_off))


def renew(session: Session, stretch: Stretch, *, has_moved: bool = False, accepted: int = 0, refused: int = 0) -> bool:
    """Keep the shard; False if another has it. Locks its row until the commit, so nobody takes it meanwhile."""
    values: dict[str, Any] = {"lease_until": _from_now(LEASE)}
    if has_moved:
        values["touched_at"] = db_now()
    if accepted:
        values |= {"trouble_since": None, "accepted": Shard.accepted + accepted}
    if refused:
        values["refused"] = Shard.refused + refused
    return _change(session, stretch, values)


def release(session: Session, stretch: Stretch) -> bool:
    """Give the shard back, to be claimed when its next mail is due, or finished; whether its ledger is complete."""
    at_once = Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.IN_FLIGHT))
    counted = select(
        func.count().filter(Delivery.state == DeliveryState.IN_FLIGHT),
        func.count().filter(at_once),
        func.min(Delivery.next_try_at).filter(Delivery.state == DeliveryState.DEFERRED),
    )
    lost, left, due_at = session.execute(counted.where(in_stretch(stretch))).one()
    done = not left and due_at is None
    values = {"owner": None, "lease_until": None, "is_done": done, "due_at": None if left else due_at}
    return _change(session, stretch, values) and not lost


def hold_back(session: Session, stretch: Stretch, pause: timedelta) -> bool:
    """Give the shard back, not to be claimed before `pause` has passed: the relay is in trouble."""
    since = func.coalesce(Shard.trouble_since, db_now())
    return _change(session, stretch, {"owner": None, "lease_until": _from_now(pause), "trouble_since": since})


def free_dead(session: Session, stretches: Iterable[Stretch]) -> None:
    """Let the shards of senders known to be dead be claimed at once."""
    for stretch in stretches:
        _change(session, stretch, {"lease_until": None}, Shard.owner.is_not(None))


def reopen(session: Session, campaign_id: int) -> None:
    """Put shards back to work in which something is to be sent again."""
    left = exists().where(in_shard(), Delivery.state == DeliveryState.QUEUED).correlate(Shard)
    session.execute(
        update(Shard)
        .where(Shard.campaign_id == campaign_id, left)
        .values(is_done=False, due_at=None)
        .execution_options(synchronize_session=False)
    )


def in_stretch(stretch: Stretch) -> ColumnElement[bool]:
    """Of a Delivery: it is in this shard, in whosever hands."""
    first, last = (select(column).where(*_is(stretch)).scalar_subquery() for column in (Shard.first_id, Shard.last_id))
    return and_(Delivery.campaign_id == stretch.campaign_id, Delivery.subscriber_id.between(first, last))


def in_shard() -> ColumnElement[bool]:
    """Of a Delivery and a Shard: the one is in the other."""
    return and_(
        Delivery.campaign_id == Shard.campaign_id, Delivery.subscriber_id.between(Shard.first_id, Shard.last_id)
    )


def _is(stretch: Stretch) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Shard.campaign_id == stretch.campaign_id, Shard.number == stretch.number


def _change(session: Session, stretch: Stretch, values: dict[str, Any], *more: ColumnElement[bool]) -> bool:
    statement = (
        update(Shard)
        .where(*_is(stretch), Shard.epoch == stretch.epoch, *more)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).rowcount == 1  # type: ignore[attr-defined, no-any-return]


def _is_free() -> ColumnElement[bool]:
    return and_(~Shard.is_done, or_(Shard.lease_until.is_(None), Shard.lease_until <= db_now()))


def _from_now(time: timedelta) -> ColumnElement[Any]:
    return type_coerce(db_now(), BigInteger) + int(time.total_seconds())
