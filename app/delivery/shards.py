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

_UNFINISHED = (DeliveryState.QUEUED, DeliveryState.IN_FLIGHT, DeliveryState.DEFERRED)


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
    due = or_(
        Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.IN_FLIGHT)),
        and_(Delivery.state == DeliveryState.DEFERRED, or_(Delivery.next_try_at <= now, is_called_off)),
    )
    return and_(_is_free(), exists().where(_of_shard(), due).correlate(Shard))


def renew(session: Session, stretch: Stretch, *, has_moved: bool = False, has_sent: bool = False) -> bool:
    """Keep the shard; False if another has it. Locks its row until the commit, so nobody takes it meanwhile."""
    values: dict[str, Any] = {"lease_until": _from_now(LEASE)}
    if has_moved:
        values["touched_at"] = db_now()
    if has_sent:
        values["trouble_since"] = None
    return _change(session, stretch, values)


def release(session: Session, stretch: Stretch) -> bool:
    """Give the shard back, finished if nothing of it is left to send."""
    left = exists().where(_of_shard(), Delivery.state.in_(_UNFINISHED)).correlate(Shard)
    return _change(session, stretch, {"owner": None, "lease_until": None, "is_done": ~left})


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
    left = exists().where(_of_shard(), Delivery.state.in_(_UNFINISHED)).correlate(Shard)
    session.execute(
        update(Shard)
        .where(Shard.campaign_id == campaign_id, Shard.is_done, left)
        .values(is_done=False)
        .execution_options(synchronize_session=False)
    )


def _change(session: Session, stretch: Stretch, values: dict[str, Any], *more: ColumnElement[bool]) -> bool:
    statement = (
        update(Shard)
        .where(
            Shard.campaign_id == stretch.campaign_id,
            Shard.number == stretch.number,
            Shard.epoch == stretch.epoch,
            *more,
        )
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).rowcount == 1  # type: ignore[attr-defined, no-any-return]


def _is_free() -> ColumnElement[bool]:
    return and_(~Shard.is_done, or_(Shard.lease_until.is_(None), Shard.lease_until <= db_now()))


def _of_shard() -> ColumnElement[bool]:
    return and_(Delivery.campaign_id == Shard.campaign_id, Delivery.shard == Shard.number)


def _from_now(time: timedelta) -> ColumnElement[Any]:
    return type_coerce(db_now(), BigInteger) + int(time.total_seconds())
