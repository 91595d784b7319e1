"""From "to be sent" to the ledger: one row for each person of the audience, before anything is sent.

Two timetables or two clicks cannot launch twice: the conditional UPDATE of the campaign's state decides (TRUST Q11).
The audience is asked at this very moment and frozen by one INSERT … SELECT; who leaves later is skipped when her mail
is due.
"""

from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Subquery, exists, func, insert, literal, select, text, update
from sqlalchemy.orm import Session, aliased

from app.audiences.audience import audience
from app.campaigns.editions import freeze
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.problem import TemplateInvalid
from app.campaigns.schedule import pause
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.trouble import own_locale
from app.errors import Refused

# People in a shard: few, so that a small campaign keeps every sender busy; more where there are many, as each sender
# ends a shard with its last mails alone on the wire.
SHARD_SIZE = 1000
_MOST_SHARDS, _LARGEST_SHARD = 32, 10
_LAST_ID = 2**63 - 1

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
    values = {
        "campaign_id": literal(campaign.id),
        "subscriber_id": whom.c[0],
        "state": literal(DeliveryState.QUEUED, Delivery.state.type),
        "attempts": literal(0),
        "repeats": literal(0),
    }
    session.execute(insert(Delivery).from_select(list(values), select(*values.values()), include_defaults=False))
    if session.get_bind().dialect.name == "postgresql":
        # Until autovacuum comes along, a minute later, it would read the whole table for each batch.
        session.execute(text("ANALYZE delivery"))


def _write_shards(session: Session, campaign_id: int) -> int:
    """Cut the ledger into stretches of ids; how many people there are."""
    people = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.campaign_id == campaign_id)) or 0
    size = min(max(SHARD_SIZE, people // _MOST_SHARDS), SHARD_SIZE * _LARGEST_SHARD)
    cuts = _cuts(campaign_id, size)
    mails, shard = aliased(Delivery), cuts.c
    in_shard = (mails.campaign_id == campaign_id, mails.subscriber_id.between(shard.first_id, shard.last_id))
    values = {
        "campaign_id": literal(campaign_id),
        "number": shard.number,
        "first_id": shard.first_id,
        "last_id": shard.last_id,
        "size": select(func.count()).select_from(mails).where(*in_shard).correlate(cuts).scalar_subquery(),
        "epoch": literal(0),
        "is_done": literal(value=False),
        "accepted": literal(0),
        "refused": literal(0),
    }
    session.execute(insert(Shard).from_select(list(values), select(*values.values()), include_defaults=False))
    return people


def _cuts(campaign_id: int, size: int) -> Subquery:
    """The first and last id of each `size` people; ids between two shards belong to the first."""
    row = func.row_number().over(order_by=Delivery.subscriber_id) - 1
    ledger = select(Delivery.subscriber_id, row.label("row")).where(Delivery.campaign_id == campaign_id).subquery()
    begin = select(ledger.c.subscriber_id, ledger.c.row).where(ledger.c.row % size == 0).subquery()
    following = func.lead(begin.c.subscriber_id).over(order_by=begin.c.subscriber_id)
    return select(
        (begin.c.row // size).label("number"),
        begin.c.subscriber_id.label("first_id"),
        func.coalesce(following - 1, _LAST_ID).label("last_id"),
    ).subquery()


def _nobody(session: Session) -> str:
    with force_locale(own_locale(session)):
        return str(_("Nobody is in the audience any more: nothing was sent."))
