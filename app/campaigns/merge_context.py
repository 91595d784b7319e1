"""What merge tags stand for, for each of many people: plain values only, never rows (TRUST S1)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.organisation import organisation
from app.campaigns.models import Campaign
from app.feature import house
from app.subscribers.links import preferences_url, tracking_off_url, unsubscribe_url
from app.subscribers.models import Subscriber
from app.tokens import Purpose, Tokens


def contexts(
    session: Session, campaign: Campaign, subscriber_ids: Sequence[int], tokens: Tokens, base_url: str
) -> dict[int, dict[str, Any]]:
    """The merge context of each person, by id; a constant number of queries for any number of people."""
    shared = common(session, campaign)
    addresses = _addresses(session, campaign, subscriber_ids, tokens, base_url)
    values = house().merge_values(session, subscriber_ids)
    return {key: {**shared, **values[key], **addresses[key]} for key in subscriber_ids if key in addresses}


def common(session: Session, campaign: Campaign) -> dict[str, Any]:
    """What is the same for everybody: the brand and the organisation."""
    sender = session.get_one(Sender, campaign.sender_id)
    own = organisation(session)
    return {
        "sender": {"name": campaign.from_name or sender.name, "address": sender.address, "imprint": sender.imprint},
        "organisation": {"name": own.name, "currency": own.currency} if own else {"name": sender.name},
    }


def _addresses(
    session: Session, campaign: Campaign, subscriber_ids: Sequence[int], tokens: Tokens, base_url: str
) -> dict[int, dict[str, str]]:
    people = select(Subscriber.id, Subscriber.token_epoch).where(Subscriber.id.in_(subscriber_ids))
    topic = campaign.topic_id or 0

    def urls(person: int, epoch: int) -> dict[str, str]:
        return {
            "unsubscribe_url": unsubscribe_url(tokens, base_url, person, epoch, topic, campaign.id),
            "preferences_url": preferences_url(tokens, base_url, person, epoch),
            "tracking_off_url": tracking_off_url(tokens, base_url, person, epoch),
            "webview_url": f"{base_url}/view/{tokens.sign(Purpose.WEBVIEW, campaign.id, person, epoch)}",
        }

    return {person: urls(person, epoch) for person, epoch in session.execute(people)}
