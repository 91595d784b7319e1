"""The alarm: a campaign that should move and does not, said on its page, on the overview and at the top of every page.

How long silence may last is judged by the campaign's own pace. Not in charge of: what a relay or a full disk says
(`trouble.py`), which stands in the same place and comes first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import force_locale, format_timedelta
from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.db import db_now
from app.delivery.models import Shard
from app.delivery.shards import claimable
from app.delivery.trouble import note_trouble, own_locale

# Results reach the ledger every second, so silence for as long as ten mails took so far means that something is wrong.
_MAILS = 10
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(minutes=15)


def note_silence(session: Session, now: datetime) -> None:
    """Say of each campaign that is being sent, has work and does not move, whose turn it is to look."""
    of_campaign = Shard.campaign_id == Campaign.id
    waits = exists().where(of_campaign, claimable(now)).correlate(Campaign)
    held = exists().where(of_campaign, Shard.owner.is_not(None)).correlate(Campaign)
    due = func.max(Shard.due_at).filter(Shard.due_at <= now)
    query = (
        select(Campaign, func.max(Shard.touched_at), due, func.sum(Shard.accepted), held, db_now())
        .join(Shard, of_campaign)
        .where(Campaign.state == CampaignState.SENDING, Campaign.pause_reason.is_(None), waits | held)
        .group_by(Campaign.id)
    )
    for campaign, touched, due_at, accepted, is_held, at in session.execute(query).all():
        started = campaign.started_at or campaign.updated_at
        silent = at - max(filter(None, (touched, due_at, started, campaign.updated_at)))
        if silent > expected((touched or started) - started, accepted):
            with force_locale(own_locale(session)):
                reason = _relay_is_silent(silent) if is_held else _nobody_works(silent)
            note_trouble(session, campaign.id, reason)


def expected(lasted: timedelta, accepted: int) -> timedelta:
    """How long a campaign that sent so many mails in that time may be silent."""
    pace = lasted / accepted if accepted else _SHORTEST
    return min(max(_MAILS * pace, _SHORTEST), _LONGEST)


def alarmed(session: Session) -> Sequence[Campaign]:
    """Campaigns under way of which a marketer should know something, the latest first."""
    going = Campaign.state.in_((CampaignState.SENDING, CampaignState.PAUSED))
    query = select(Campaign).where(and_(going, Campaign.pause_reason.is_not(None)))
    return session.scalars(query.order_by(Campaign.id.desc())).all()


def _nobody_works(silent: timedelta) -> str:
    text: str = _(
        "Nothing has moved for %(time)s: is a worker for the send queue running?", time=format_timedelta(silent)
    )
    return text


def _relay_is_silent(silent: timedelta) -> str:
    text: str = _(
        "Nothing has moved for %(time)s: a sender waits for the mail server's answer.", time=format_timedelta(silent)
    )
    return text
