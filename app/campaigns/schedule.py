"""A campaign's way from draft to sent: every step is one conditional UPDATE, and its row count is the answer.

So two clicks, two browsers or a click and the timetable cannot both win. "Send now" only sets the time after which
delivery may launch; until then undo is a change of one row and races with nothing (UI 7.4).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.campaigns.editions import freeze
from app.campaigns.models import Campaign, CampaignState
from app.errors import Conflict, Invalid, NotFound

_UNDO = timedelta(seconds=60)


def find(session: Session, campaign_id: int) -> Campaign:
    """The campaign; raises NotFound."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


def send_now(session: Session, campaign_id: int, now: datetime) -> datetime:
    """Release a draft: it is sent when the undo window has passed, which is returned."""
    own = organisation(session)
    send_after = now + (timedelta(seconds=own.undo_seconds) if own else _UNDO)
    _release(session, campaign_id, CampaignState.HOLDING, send_after, now)
    return send_after


def schedule(session: Session, campaign_id: int, at: datetime, now: datetime) -> None:
    """Release a draft to be sent at a time to come."""
    if at <= now:
        raise Invalid("Choose a time that is still to come.", {"at": "is in the past"})
    _release(session, campaign_id, CampaignState.SCHEDULED, at, now)


def undo(session: Session, campaign_id: int, now: datetime) -> bool:
    """Take a released campaign back to its draft; False when it is being sent already."""
    waiting = (CampaignState.HOLDING, CampaignState.SCHEDULED)
    return _move(session, campaign_id, waiting, CampaignState.DRAFT, now, send_after=None, edition_id=None)


def pause(session: Session, campaign_id: int, now: datetime, reason: str | None = None) -> bool:
    """Stop sending after the mail that is under way."""
    return _move(session, campaign_id, (CampaignState.SENDING,), CampaignState.PAUSED, now, pause_reason=reason)


def resume(session: Session, campaign_id: int, now: datetime) -> bool:
    """Go on where a pause stopped."""
    return _move(session, campaign_id, (CampaignState.PAUSED,), CampaignState.SENDING, now, pause_reason=None)


def cancel(session: Session, campaign_id: int, now: datetime) -> bool:
    """Never send what has not been sent yet."""
    going = (CampaignState.SCHEDULED, CampaignState.HOLDING, CampaignState.SENDING, CampaignState.PAUSED)
    return _move(session, campaign_id, going, CampaignState.CANCELLED, now, finished_at=now)


def _release(session: Session, campaign_id: int, state: CampaignState, send_after: datetime, now: datetime) -> None:
    # Workers pause and end campaigns, and release none: they need nothing of what compiles and checks them.
    from app.campaigns.preflight import blockers

    campaign = find(session, campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise Conflict("This campaign is no draft any more.")
    found = blockers(session, campaign, now)
    if found:
        places = {finding.code: finding.label.en for finding in found}
        raise Invalid("This campaign cannot be sent yet: " + " ".join(places.values()), places)
    freeze(session, campaign, now)
    session.flush()
    if not _move(session, campaign_id, (CampaignState.DRAFT,), state, now, send_after=send_after):
        raise Conflict("This campaign is no draft any more.")


def _move(
    session: Session,
    campaign_id: int,
    before: Collection[CampaignState],
    after: CampaignState,
    now: datetime,
    **values: Any,
) -> bool:
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state.in_(before))
        .values(state=after, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )
    moved = bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]
    session.expire_all()
    return moved
