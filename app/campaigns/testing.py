"""Test sends: the mail as somebody would get it, to a colleague, marked as a test and never counted."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.campaigns.models import Campaign
from app.campaigns.preview import Person, preview
from app.outbox.models import Letter
from app.outbox.post import post


def send_test(session: Session, campaign: Campaign, recipient: str, person: Person, now: datetime) -> Letter:
    """Post the mail; raises what `preview` raises."""
    rendered = preview(session, campaign, person)
    sender = session.get_one(Sender, campaign.sender_id)
    subject = f"[Test] {rendered.subject}"
    campaign.tested_revision = campaign.revision
    return post(session, sender, recipient, "campaign_test", subject, rendered.html, rendered.text, (), now)
