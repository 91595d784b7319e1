"""Which campaigns use a segment: its page says so, and its owner thinks twice before changing it."""

from collections.abc import Iterator

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignSegment
from app.feature import Use

_SHOWN = 20


def segment_uses(session: Session, segment_id: int) -> Iterator[Use]:
    """The newest campaigns that include or exclude the segment."""
    using = select(Campaign.id, Campaign.name).join(CampaignSegment, CampaignSegment.campaign_id == Campaign.id)
    found = using.where(CampaignSegment.segment_id == segment_id, Campaign.archived_at.is_(None))
    for campaign_id, name in session.execute(found.order_by(Campaign.id.desc()).limit(_SHOWN)):
        yield Use(name, url_for("campaigns.show", campaign_id=campaign_id))
