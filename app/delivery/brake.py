"""The brake: a campaign that too many servers refuse, or too many people complain about, pauses by itself.

Providers judge a sender by these two shares; sending on would spoil the delivery of every campaign to come. A marketer
may resume all the same; it then takes twice the share to pause once more.
"""

from collections import Counter
from datetime import UTC, datetime

from flask_babel import force_locale, format_percent
from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.kinds import COMPLAINED
from app.delivery.models import Shard
from app.delivery.trouble import own_locale
from app.events.batch import NewEvents

# Shares above which the campaign pauses, and after how many answered mails they mean something.
BOUNCES, ENOUGH_FOR_BOUNCES = 0.05, 200
COMPLAINTS, ENOUGH_FOR_COMPLAINTS = 0.001, 1000


def brake(session: Session, campaign_id: int, now: datetime) -> bool:
    """Pause the campaign if its shares say so; whether it was."""
    counted = select(func.coalesce(func.sum(Shard.accepted), 0), func.coalesce(func.sum(Shard.refused), 0))
    accepted, refused = session.execute(counted.where(Shard.campaign_id == campaign_id)).one()
    complaints, brakes = session.execute(
        select(Campaign.complaints, Campaign.brakes).where(Campaign.id == campaign_id)
    ).one()
    answered, patience = int(accepted + refused), 2**brakes
    if answered >= ENOUGH_FOR_BOUNCES and refused > BOUNCES * patience * answered:
        reason = _refused(session, refused / answered, answered)
    elif answered >= ENOUGH_FOR_COMPLAINTS and complaints > COMPLAINTS * patience * answered:
        reason = _complained(session, complaints, answered)
    else:
        return False
    values = {"state": CampaignState.PAUSED, "pause_reason": reason, "brakes": brakes + 1, "updated_at": now}
    paused = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.SENDING, Campaign.brakes == brakes)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return bool(session.execute(paused).rowcount)  # type: ignore[attr-defined]


def watch_complaints(session: Session, events: NewEvents) -> None:
    """Count the complaints among new events, and brake what earns too many."""
    complaints = [each for each in events.of(COMPLAINED.code, "campaign_id", "occurred_at") if each[0] is not None]
    by_campaign = Counter(campaign_id for campaign_id, _at in complaints)
    for campaign_id, count in sorted(by_campaign.items()):
        session.execute(
            update(Campaign)
            .where(Campaign.id == campaign_id)
            .values(complaints=Campaign.complaints + count)
            .execution_options(synchronize_session=False)
        )
        brake(session, campaign_id, datetime.fromtimestamp(max(at for _campaign, at in complaints), UTC))


def _refused(session: Session, share: float, answered: int) -> str:
    with force_locale(own_locale(session)):
        return str(
            _(
                "Paused by itself: of %(answered)s mails, %(share)s were refused for good. An old or bought list is "
                "the usual cause, and providers remember it. Resume if you want to go on all the same.",
                answered=answered,
                share=format_percent(share, "#,##0.0%"),
            )
        )


def _complained(session: Session, complaints: int, answered: int) -> str:
    with force_locale(own_locale(session)):
        return str(
            _(
                "Paused by itself: %(complaints)s people of %(answered)s called it spam, more than one in a thousand. "
                "Resume if you want to go on all the same.",
                complaints=complaints,
                answered=answered,
            )
        )
