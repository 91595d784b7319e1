"""The reaper: looks every few seconds whether campaigns need a sender, and ends those that are complete.

SQL is the truth and Redis the doorbell (DESIGN 5.3): flushed queues, killed workers and deferred mails all end up here
as shards that nobody holds and in which something is due.
"""

from datetime import datetime

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Shard
from app.delivery.shards import claimable

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
