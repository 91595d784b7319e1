"""From "to be sent" to the ledger: one row for each person of the audience, before anything is sent.

Two timetables or two clicks cannot launch twice: the conditional UPDATE of the campaign's state decides (TRUST Q11).
The audience is asked at this very moment and frozen by one INSERT … SELECT; who leaves later is skipped when her mail
is due.
"""

from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from app.audiences.audience import audience
from app.campaigns.editions import freeze
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.problem import TemplateInvalid
from app.campaigns.schedule import pause
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.trouble import own_locale
from app.errors import Refused

SHARD_SIZE = 1000

_WAITING = (CampaignState.SCHEDULED, CampaignState.HOLDING)


def due_campaigns(session: Session, now: datetime) -> list[int]:
    """Those whose time has come."""
    due = (Campaign.state.in_(_WAITING), Campaign.send_after <= now)
    return list(session.scalars(select(Campaign.id).where(*due).order_by(Campaign.send_after, Campaign.id)))


def launch(session: Session, campaign_id: int, now: datetime) -> bool:
    """Begin to send a campaign that is due; False if it is not (any more), or has nobody to go to."""
    started = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state.in_(_WAITING), Campaign.send_after <= now)
        .values(state=CampaignState.SENDING, started_at=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    if session.execute(started).rowcount != 1:  # type: ignore[attr-defined]
        return False
    return fill(session, campaign_id, now)


def fill(session: Session, campaign_id: int, now: datetime) -> bool:
    """Write the ledger of a campaign unless it has one; paused with the reason if that cannot be."""
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True, with_for_update=True)
    if session.scalar(select(exists().where(Shard.campaign_id == campaign_id))):
        return True
    try:
        if campaign.edition_id is None:
            freeze(session, campaign, now)
        _write_deliveries(session, campaign, now)
    except (Refused, TemplateInvalid) as error:
        pause(session, campaign_id, now, reason=str(error))
        return False
    if _write_shards(session, campaign_id) == 0:
        pause(session, campaign_id, now, reason=_nobody(session))
        return False
    return True


def _write_deliveries(session: Session, campaign: Campaign, now: datetime) -> None:
    included = [each.segment_id for each in campaign.segments if not each.excluded]
    excluded = [each.segment_id for each in campaign.segments if each.excluded]
    whom = audience(session, included, excluded, campaign.topic_id, now).subquery()
    person = whom.c[0]
    row = func.row_number().over(order_by=person)
    values = {
        "campaign_id": literal(campaign.id),
        "subscriber_id": person,
        "shard": (row - 1) // SHARD_SIZE,
        "state": literal(DeliveryState.QUEUED, Delivery.state.type),
        "attempts": literal(0),
        "repeats": literal(0),
    }
    session.execute(insert(Delivery).from_select(list(values), select(*values.values()), include_defaults=False))


def _write_shards(session: Session, campaign_id: int) -> int:
    counted = (
        select(Delivery.campaign_id, Delivery.shard, literal(0), literal(value=False), func.count())
        .where(Delivery.campaign_id == campaign_id)
        .group_by(Delivery.campaign_id, Delivery.shard)
    )
    columns = ["campaign_id", "number", "epoch", "is_done", "size"]
    session.execute(insert(Shard).from_select(columns, counted, include_defaults=False))
    return session.scalar(select(func.count()).select_from(Shard).where(Shard.campaign_id == campaign_id)) or 0


def _nobody(session: Session) -> str:
    with force_locale(own_locale(session)):
        return str(_("Nobody is in the audience any more: nothing was sent."))
