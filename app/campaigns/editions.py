"""Editions in the database: a campaign compiled once, frozen, and found again by every sender.

In charge of: storing what `compile.py` made, with its links. Not of compiling (pure) nor of rendering (`render.py`).
"""

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.campaigns.edition import Edition
from app.campaigns.models import Campaign, Link, StoredEdition
from app.errors import Conflict


def compiled(campaign: Campaign) -> Edition:
    """The campaign as it stands, compiled now; raises TemplateInvalid."""
    # Those who send never compile, and need no parser of HTML.
    from app.campaigns.compile import compile_edition

    return compile_edition(campaign.subject, campaign.preheader, campaign.html)


def freeze(session: Session, campaign: Campaign, now: datetime) -> StoredEdition:
    """Store the compiled campaign and where its links lead; raises TemplateInvalid."""
    edition = compiled(campaign)
    stored = StoredEdition(
        campaign_id=campaign.id, revision=campaign.revision, document=edition.to_json(), created_at=now
    )
    session.add(stored)
    session.flush()
    campaign.edition_id = stored.id
    # A campaign that was undone and changed may have other links; nothing has been sent with the old ones.
    session.execute(delete(Link).where(Link.campaign_id == campaign.id))
    links = [
        {"campaign_id": campaign.id, "position": position, "target": target}
        for position, target in enumerate(edition.links)
    ]
    if links:
        session.execute(insert(Link), links)
    return stored


def edition_of(session: Session, campaign_id: int) -> Edition:
    """The frozen edition of a campaign that was released for sending."""
    campaign = session.get_one(Campaign, campaign_id)
    stored = session.get(StoredEdition, campaign.edition_id) if campaign.edition_id else None
    if stored is None:
        raise Conflict("This campaign has not been released for sending.")
    return Edition.from_json(stored.document)


def merge_tags_of(session: Session, campaign: Campaign) -> tuple[str, ...]:
    """`Edition.merge_tags` of a released campaign, without reading all of its edition."""
    found = session.scalar(select(StoredEdition.document["merge_tags"]).where(StoredEdition.id == campaign.edition_id))
    return tuple(found or ())
