"""What the ledger adds to a person's timeline: the mails she was sent. That a mail was sent is no event."""

from collections.abc import Iterator

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.delivery.models import Delivery
from app.feature import TimelineEntry


def timeline(session: Session, subscriber_id: int, limit: int) -> Iterator[TimelineEntry]:
    """The newest `limit` mails that the relay took."""
    sent = select(Delivery.sent_at, Campaign.name).join(Campaign, Campaign.id == Delivery.campaign_id)
    sent = sent.where(Delivery.subscriber_id == subscriber_id, Delivery.sent_at.is_not(None))
    for sent_at, name in session.execute(sent.order_by(Delivery.sent_at.desc()).limit(limit)):
        if sent_at:
            yield TimelineEntry(at=sent_at, title=_("Mail sent"), icon="send", text=name)
