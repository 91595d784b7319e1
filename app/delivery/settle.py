"""Mails of which nobody knows whether they arrived: a marketer decides, for one person or for all of a campaign.

They exist where the campaign's policy is to ask or never to send twice (DESIGN 5.1): the relay had the whole mail and
its answer was never read.
"""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, func, literal, select, true, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.delivery.models import Delivery, DeliveryState
from app.delivery.shards import reopen
from app.errors import Conflict
from app.subscribers.models import Standing


def send_unknown_again(session: Session, campaign_id: int, now: datetime, only: int | None = None) -> int:
    """Send them, or the one to the subscriber `only`, once more, known to be possible doubles; how many. Refused where
    nothing may go twice, and after a cancellation."""
    campaign = session.get_one(Campaign, campaign_id)
    if campaign.crash_policy is CrashPolicy.NEVER:
        raise Conflict(_("This campaign must never be sent twice to anybody."))
    if campaign.state is CampaignState.CANCELLED:
        raise Conflict(_("This campaign was cancelled."))
    again = {"state": DeliveryState.QUEUED, "reason": None, "repeats": Delivery.repeats + 1}
    count = _settle(session, campaign_id, only, again)
    if count:
        reopen(session, campaign_id)
        go_on(session, campaign_id, now)
    return count


def count_unknown_as_sent(session: Session, campaign_id: int, now: datetime, only: int | None = None) -> int:
    """Believe that they arrived when they were handed over; how many."""
    unknown = select(Delivery.subscriber_id).where(_unknown(campaign_id, only))
    session.execute(
        update(Standing)
        .where(Standing.subscriber_id.in_(unknown))
        .values(sent=Standing.sent + 1, last_sent_at=now)
        .execution_options(synchronize_session=False)
    )
    sent = {
        "state": DeliveryState.SENT,
        "reason": None,
        "sent_at": func.coalesce(Delivery.tried_at, literal(now, Delivery.tried_at.type)),
    }
    return _settle(session, campaign_id, only, sent)


def go_on(session: Session, campaign_id: int, now: datetime) -> bool:
    """Take a campaign that was over back to work."""
    over = (CampaignState.SENT, CampaignState.CANCELLED)
    moved = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state.in_(over))
        .values(state=CampaignState.SENDING, finished_at=None, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(session.execute(moved).rowcount)  # type: ignore[attr-defined]


def _settle(session: Session, campaign_id: int, only: int | None, values: dict[str, Any]) -> int:
    statement = (
        update(Delivery).where(_unknown(campaign_id, only)).values(values).execution_options(synchronize_session=False)
    )
    return session.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]


def _unknown(campaign_id: int, only: int | None) -> ColumnElement[bool]:
    mails = and_(Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.UNKNOWN)
    return and_(mails, true() if only is None else Delivery.subscriber_id == only)
