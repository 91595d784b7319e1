"""A campaign that is over, sent once more to those who did not get it: as often as wanted, once to each person.

It is the same ledger, so whoever has the mail never gets it again; consent, suppression and the frequency cap are asked
anew when each mail is claimed. What a server refused for good (5xx) stays refused (R5), and what may have arrived is
settled apart (`settle.py`). Nothing changes until the undo window has passed: then one transaction reopens the ledger.
"""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.campaigns.models import Again, Campaign, CampaignState
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.settle import go_on
from app.delivery.shards import reopen
from app.errors import Conflict

_UNDO = timedelta(seconds=60)
_OVER = (CampaignState.SENT, CampaignState.CANCELLED)


def reachable(session: Session, campaign_id: int) -> dict[Again, int]:
    """How many people each way of sending again would try."""
    counts = {whom: func.count().filter(_missed(whom)) for whom in Again}
    row = session.execute(select(*counts.values()).where(Delivery.campaign_id == campaign_id)).one()
    return dict(zip(counts, row, strict=True))


def send_again(session: Session, campaign_id: int, whom: Again, now: datetime) -> datetime:
    """Begin when the undo window has passed, which is returned. Conflict while the campaign is not over."""
    own = organisation(session)
    after = now + (timedelta(seconds=own.undo_seconds) if own else _UNDO)
    if not _set(session, campaign_id, Campaign.again.is_(None), again=whom, again_after=after):
        raise Conflict(_("Only a campaign that is over can be sent again, and only once at a time."))
    return after


def undo_again(session: Session, campaign_id: int) -> bool:
    """Do not send again; False when it has begun."""
    return _set(session, campaign_id, Campaign.again.is_not(None), again=None, again_after=None)


def due_again(session: Session, now: datetime) -> list[int]:
    """Campaigns whose undo window has passed."""
    return list(session.scalars(select(Campaign.id).where(Campaign.again_after <= now).order_by(Campaign.id)))


def begin_again(session: Session, campaign_id: int, now: datetime) -> int:
    """Queue those it was meant for; how many. Nobody, if it was undone or has begun already."""
    whom = session.scalar(select(Campaign.again).where(Campaign.id == campaign_id))
    # Of a cancelled campaign a sender may still be calling off the rest.
    is_settled = ~exists().where(Shard.campaign_id == Campaign.id, ~Shard.is_done).correlate(Campaign)
    due = and_(Campaign.again == whom, Campaign.again_after <= now, is_settled)
    if whom is None or not _set(session, campaign_id, due, again=None, again_after=None):
        return 0
    fresh = {"state": DeliveryState.QUEUED, "attempts": 0, "reason": None, "reply": None, "next_try_at": None}
    queued = (
        update(Delivery)
        .where(Delivery.campaign_id == campaign_id, _missed(whom))
        .values(fresh)
        .execution_options(synchronize_session=False)
    )
    count: int = session.execute(queued).rowcount  # type: ignore[attr-defined]
    if count:
        reopen(session, campaign_id)
        go_on(session, campaign_id, now)
    return count


def _missed(whom: Again) -> ColumnElement[bool]:
    failed = Delivery.state == DeliveryState.FAILED
    return failed if whom is Again.FAILED else or_(failed, Delivery.state == DeliveryState.SKIPPED)


def _set(session: Session, campaign_id: int, waiting: ColumnElement[bool], **values: object) -> bool:
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state.in_(_OVER), waiting)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    moved = bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]
    session.expire_all()
    return moved
