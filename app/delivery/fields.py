"""What rules may say about the mails somebody was sent."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Standing
from segments.label import Label
from segments.vocabulary import Choices, Field, FieldType, Group, Happening

_STARTED = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.SENT, CampaignState.CANCELLED)


def fields(session: Session) -> Iterable[Field]:
    """The words of this feature."""
    return (
        Field(
            "last_sent",
            Label("last mail", "letzte Mail"),
            FieldType.MOMENT,
            lambda: Standing.last_sent_at,
            Group.EMAIL,
        ),
        Field(
            "sent",
            Label("number of mails", "Anzahl der Mails"),
            FieldType.NUMBER,
            lambda: Standing.sent,
            Group.EMAIL,
        ),
        Field(
            "was_sent",
            Label("was mailed", "angeschrieben"),
            FieldType.EVENT,
            _was_sent,
            Group.EMAIL,
            choices=lambda: campaign_choices(session),
        ),
    )


def campaign_choices(session: Session) -> Choices:
    """The campaigns that went out, the latest first."""
    query = select(Campaign.id, Campaign.name).where(Campaign.state.in_(_STARTED)).order_by(Campaign.id.desc())
    return tuple((str(campaign_id), Label(name, name)) for campaign_id, name in session.execute(query))


def _was_sent(happening: Happening) -> ColumnElement[bool]:
    wanted = [Delivery.subscriber_id == Standing.subscriber_id, Delivery.state == DeliveryState.SENT]
    if happening.since is not None:
        wanted.append(Delivery.sent_at >= happening.since)
    if happening.until is not None:
        wanted.append(Delivery.sent_at < happening.until)
    if happening.campaign is not None:
        wanted.append(Delivery.campaign_id == happening.campaign)
    found = select(Delivery.campaign_id).where(*wanted).correlate(Standing)
    if happening.at_least == 1:
        return found.exists()
    counted = found.with_only_columns(func.count(), maintain_column_froms=True)
    return counted.scalar_subquery() >= happening.at_least
