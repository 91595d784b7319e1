"""Mails of which nobody knows whether they arrived: a marketer decides, for all of a campaign at once.

They exist where the campaign's policy is to ask or never to send twice (DESIGN 5.1): the relay had the whole mail and
its answer was never read.
"""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.delivery.models import Delivery, DeliveryState
from app.delivery.shards import reopen
from app.errors import Conflict
from app.subscribers.models import Standing


def send_unknown_again(session: Session, campaign_id: int, now: datetime) -> int:
    """Send them once more, known to be possible doubles; how many. Refused where nothing may go twice."""
    if session.get_one(Campaign, campaign_id).crash_policy is CrashPolicy.NEVER:
        raise Conflict(_("This campaign must never be sent twice to anybody."))
    again = {"state": DeliveryState.QUEUED, "reason": None, "repeats": Delivery.repeats + 1}
    count = _settle(session, campaign_id, again)
    if count:
        reopen(session, campaign_id)
        session.execute(
            update(Campaign)
            .where(Campaign.id == campaign_id, Campaign.state == CampaignState.SENT)
            .values(state=CampaignState.SENDING, finished_at=None, updated_at=now)
            .execution_options(synchronize_session=False)
        )
    return count


def count_unknown_as_sent(session: Session, campaign_id: int, now: datetime) -> int:
    """Believe that they arrived; how many."""
    unknown = select(Delivery.subscriber_id).where(
        Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.UNKNOWN
    )
    session.execute(
        update(Standing)
        .where(Standing.subscriber_id.in_(unknown))
        .values(sent=Standing.sent + 1, last_sent_at=now)
        .execution_options(synchronize_session=False)
    )
    return _settle(session, campaign_id, {"state": DeliveryState.SENT, "sent_at": now})


def _settle(session: Session, campaign_id: int, values: dict[str, Any]) -> int:
    statement = (
        update(Delivery)
        .where(Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.UNKNOWN)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]
