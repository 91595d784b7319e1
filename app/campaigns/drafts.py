"""Writing a campaign: making drafts, saving them, taking them away.

Only a draft can be changed, and only by somebody who saw its last revision: a save that comes from an older one is
refused instead of overwriting what a colleague wrote meanwhile.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.audiences.models import Segment
from app.campaigns.layouts import Layout
from app.campaigns.models import Campaign, CampaignSegment, CampaignState
from app.errors import Conflict, Invalid
from app.mail import BadHeader, one_line, wire_address
from app.subscribers.models import Topic

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

# What the column holds: PostgreSQL refuses even to look for another.
_REVISIONS = range(2**31 - 1)
_MAY_BE_NONE = frozenset({"topic_id", "from_name", "reply_to"})
# They end up in headers (TRUST R21).
_HEADERS = ("name", "subject", "from_name")
_FROM_LAYOUT = ("subject", "preheader", "html", "language")


def create(session: Session, name: str, layout: Layout | None, now: datetime, **values: Any) -> Campaign:
    """A new draft, begun from a layout, from the first sender identity unless another is given."""
    sender_id = values.pop("sender_id", None) or session.scalar(select(Sender.id).order_by(Sender.id).limit(1))
    if sender_id is None:
        raise Invalid("Make a sender identity first: every mail needs one.", {"sender_id": "is missing"})
    _check(session, {**values, "name": name, "sender_id": sender_id})
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
    _check(session, values)
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.DRAFT, Campaign.revision == revision)
        .values(revision=revision + 1, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )
    if revision not in _REVISIONS or not session.execute(statement).rowcount:  # type: ignore[attr-defined]
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
    _check(session, {"topic_id": topic_id})
    named = {*included, *excluded}
    if set(session.scalars(select(Segment.id).where(Segment.id.in_(named)))) != named:
        raise Invalid(_("There is no such segment."), {"segments": _("There is no such segment.")})
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


def _check(session: Session, values: Mapping[str, Any]) -> None:
    """Raise Invalid, with every place, for what no mail can be made of."""
    empty = [name for name, value in values.items() if value is None and name not in _MAY_BE_NONE]
    broken = [name for name in _HEADERS if not one_line(values.get(name) or "")]
    places = {
        **dict.fromkeys(empty, _("This may not be empty.")),
        **dict.fromkeys(broken, _("Please use one line without control characters.")),
        **_strangers(session, values),
        **_reply_to(values.get("reply_to")),
    }
    if places:
        raise Invalid(" ".join(f"{name}: {problem}" for name, problem in places.items()), places)


def _strangers(session: Session, values: Mapping[str, Any]) -> dict[str, str]:
    known = {"sender_id": (Sender, _("There is no such sender.")), "topic_id": (Topic, _("There is no such topic."))}
    named = [(name, *known[name]) for name in known if values.get(name)]
    return {name: problem for name, model, problem in named if not session.get(model, values[name])}


def _reply_to(address: str | None) -> dict[str, str]:
    try:
        wire_address(address or "nobody@example.org")
    except BadHeader:
        return {"reply_to": _("This is not an email address.")}
    return {}
