"""The reaper: looks every few seconds whether campaigns need a sender, and ends those that are complete.

SQL is the truth and Redis the doorbell (DESIGN 5.3): flushed queues, killed workers and deferred mails all end up here
as shards that nobody holds and in which something is due.
"""

from datetime import datetime, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import BigInteger, and_, exists, func, select, type_coerce, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.db import db_now
from app.delivery.models import Shard
from app.delivery.shards import claimable
from app.delivery.trouble import note_trouble, own_locale

_SILENCE = timedelta(minutes=5)
_GOING = (CampaignState.SENDING, CampaignState.CANCELLED)


def campaigns_with_work(session: Session, now: datetime) -> list[int]:
    """Those in which a sender would find something to do."""
    work = exists().where(Shard.campaign_id == Campaign.id, claimable(now)).correlate(Campaign)
    return list(session.scalars(select(Campaign.id).where(Campaign.state.in_(_GOING), work).order_by(Campaign.id)))


def campaigns_without_ledger(session: Session) -> list[int]:
    """Those that were resumed before they had an audience."""
    none = ~exists().where(Shard.campaign_id == Campaign.id).correlate(Campaign)
    return list(session.scalars(select(Campaign.id).where(Campaign.state == CampaignState.SENDING, none)))


def finish(session: Session, now: datetime) -> list[int]:
    """End the campaigns of which nothing is left to send; which these are."""
    of_campaign = Shard.campaign_id == Campaign.id
    complete = and_(
        exists().where(of_campaign).correlate(Campaign),
        ~exists().where(of_campaign, ~Shard.is_done).correlate(Campaign),
    )
    statement = (
        update(Campaign)
        .where(Campaign.state == CampaignState.SENDING, complete)
        .values(state=CampaignState.SENT, finished_at=now, updated_at=now, pause_reason=None)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def note_silence(session: Session, now: datetime) -> None:
    """Say on the page of a campaign that has work and does not move that nobody does it."""
    latest = select(func.max(Shard.touched_at)).where(Shard.campaign_id == Campaign.id).correlate(Campaign)
    since = type_coerce(func.coalesce(latest.scalar_subquery(), Campaign.started_at), BigInteger)
    is_silent = since < type_coerce(db_now(), BigInteger) - int(_SILENCE.total_seconds())
    work = exists().where(Shard.campaign_id == Campaign.id, claimable(now)).correlate(Campaign)
    query = select(Campaign.id).where(
        Campaign.state == CampaignState.SENDING, Campaign.pause_reason.is_(None), is_silent, work
    )
    for campaign_id in session.scalars(query).all():
        with force_locale(own_locale(session)):
            reason = _("Nothing has moved for 5 minutes: is a worker for the send queue running?")
        note_trouble(session, campaign_id, reason)
