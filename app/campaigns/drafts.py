"""Writing a campaign: making drafts, saving them, taking them away.

Only a draft can be changed, and only by somebody who saw its last revision: a save that comes from an older one is
refused instead of overwriting what a colleague wrote meanwhile.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.campaigns.layouts import Layout
from app.campaigns.models import Campaign, CampaignSegment, CampaignState
from app.errors import Conflict, Invalid

# What a save may change; the rest has its own verbs.
EDITABLE = frozenset(
    {
        "name",
        "sender_id",
        "topic_id",
        "subject",
        "preheader",
        "from_name",
        "reply_to",
        "language",
        "html",
        "crash_policy",
    }
)

_FROM_LAYOUT = ("subject", "preheader", "html", "language")


def create(session: Session, name: str, layout: Layout | None, now: datetime, **values: Any) -> Campaign:
    """A new draft, begun from a layout, from the first sender identity unless another is given."""
    sender_id = values.pop("sender_id", None) or session.scalar(select(Sender.id).order_by(Sender.id).limit(1))
    if sender_id is None:
        raise Invalid("Make a sender identity first: every mail needs one.", {"sender_id": "is missing"})
    begun = {name: getattr(layout, name) for name in _FROM_LAYOUT} if layout else {}
    campaign = Campaign(name=name, sender_id=sender_id, created_at=now, updated_at=now, **{**begun, **values})
    session.add(campaign)
    session.flush()
    return campaign


def save(session: Session, campaign_id: int, revision: int, now: datetime, **values: Any) -> int:
    """Change a draft that still is at `revision`; the new revision, or Conflict."""
    unknown = values.keys() - EDITABLE
    if unknown:
        raise Invalid("This cannot be changed: " + ", ".join(sorted(unknown)))
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.DRAFT, Campaign.revision == revision)
        .values(revision=revision + 1, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )
    if not session.execute(statement).rowcount:  # type: ignore[attr-defined]
        raise Conflict(
            "Somebody else has changed this campaign, or it is being sent. Load it again to see how it is now."
        )
    session.expire_all()
    return revision + 1


def choose_audience(
    session: Session, campaign: Campaign, included: Collection[int], excluded: Collection[int], topic_id: int | None
) -> None:
    """Whom a draft is for."""
    if campaign.state is not CampaignState.DRAFT:
        raise Conflict("The audience of a campaign that was released cannot be changed.")
    if set(included) & set(excluded):
        raise Invalid("A segment cannot be included and excluded at once.", {"segments": "are on both sides"})
    session.execute(delete(CampaignSegment).where(CampaignSegment.campaign_id == campaign.id))
    chosen = [(segment_id, False) for segment_id in set(included)] + [
        (segment_id, True) for segment_id in set(excluded)
    ]
    if chosen:
        rows = [{"campaign_id": campaign.id, "segment_id": key, "excluded": out} for key, out in chosen]
        session.execute(insert(CampaignSegment), rows)
    campaign.topic_id = topic_id
    session.flush()
    session.expire(campaign)


def duplicate(session: Session, campaign: Campaign, name: str, now: datetime) -> Campaign:
    """A new draft that says the same to the same people."""
    copied = {column: getattr(campaign, column) for column in EDITABLE - {"name"}}
    copy = create(session, name, None, now, **copied)
    choose_audience(session, copy, campaign.included, campaign.excluded, campaign.topic_id)
    return copy


def archive(session: Session, campaign_id: int, now: datetime) -> bool:
    """Put a campaign away that is not on its way; `unarchive` brings it back."""
    at_rest = (CampaignState.DRAFT, CampaignState.SENT, CampaignState.CANCELLED)
    statement = update(Campaign).where(Campaign.id == campaign_id, Campaign.state.in_(at_rest)).values(archived_at=now)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def unarchive(session: Session, campaign_id: int) -> None:
    """Undo of `archive`."""
    session.execute(update(Campaign).where(Campaign.id == campaign_id).values(archived_at=None))
