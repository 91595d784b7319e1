"""One person's mail as a Message: rendered, with the headers that bulk mail carries.

A fresh Message for each recipient from that recipient's own values: nothing of one person can reach the mail of another
(TRUST S19). Not in charge of: rendering (`campaigns/render.py`), bytes (`app/mail.py`), or sending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.campaigns.edition import Edition
from app.campaigns.editions import edition_of
from app.campaigns.merge_context import contexts
from app.campaigns.models import Campaign
from app.campaigns.render import Renderer
from app.campaigns.urls import person_urls
from app.mail import Headers, Message, bulk_headers, message_id, to_bytes, wire_address
from app.subscribers.models import Standing, Subscriber, Topic, TrackingMode
from app.tokens import Tokens
from app.transport import MailObject


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a mail is for, and what it says to her."""

    subscriber_id: int
    email: str
    tracking: TrackingMode
    context: Mapping[str, Any]


def people(
    session: Session, campaign: Campaign, subscriber_ids: Sequence[int], tokens: Tokens, base_url: str
) -> dict[int, Person]:
    """What is needed to write to each of these, in a constant number of queries."""
    values = contexts(session, campaign, subscriber_ids, tokens, base_url)
    query = select(Subscriber.id, Subscriber.email, Standing.tracking).join(
        Standing, Standing.subscriber_id == Subscriber.id
    )
    rows = session.execute(query.where(Subscriber.id.in_(subscriber_ids)))
    return {key: Person(key, email, tracking, values[key]) for key, email, tracking in rows if key in values}


class Composer:
    """Writes the mails of one campaign; its edition is compiled once."""

    def __init__(
        self,
        campaign: Campaign,
        sender: Sender,
        topic_key: str | None,
        edition: Edition,
        tokens: Tokens,
        base_url: str,
    ) -> None:
        self._campaign = campaign
        self._sender = sender
        self._links = edition.links
        self._renderer = Renderer(edition)
        self._tokens = tokens
        self._base_url = base_url
        domain = wire_address(f"list@{sender.domain}").removeprefix("list@")
        self._list_id = f"{topic_key or 'newsletter'}.{domain}"
        # Sender last, 5 to 15 characters, the same in all of its mails (R7).
        own = f"{domain.replace('.', '')}-mail"[:15]
        self._feedback_id = f"{campaign.id}:{sender.id}:newsletter:{own}"

    @property
    def envelope_sender(self) -> str:
        """Where bounces go."""
        return self._sender.address

    def mail(self, person: Person, now: datetime) -> MailObject:
        """Her mail, ready to be handed over; raises what `compose` raises."""
        message = self.compose(person, now)
        return MailObject(person.subscriber_id, message.envelope_sender, message.recipient, to_bytes(message))

    def compose(self, person: Person, now: datetime) -> Message:
        """Her mail. Raises RenderFailed, BadHeader, and TypeError for values that are not plain."""
        campaign, sender = self._campaign, self._sender
        whom = (campaign.id, person.subscriber_id, person.tracking)
        urls = person_urls(self._tokens, self._base_url, *whom, self._links)
        rendered = self._renderer.render(person.context, urls)
        return Message(
            sender_name=campaign.from_name or sender.name,
            sender_address=sender.address,
            recipient=person.email,
            envelope_sender=self.envelope_sender,
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            reply_to=campaign.reply_to or sender.reply_to,
            message_id=message_id(campaign.id, person.subscriber_id, sender.domain),
            date=now,
            headers=self._headers(str(person.context["unsubscribe_url"])),
        )

    def _headers(self, unsubscribe_url: str) -> Headers:
        headers = bulk_headers(unsubscribe_url, self._list_id, self._feedback_id)
        if unsubscribe_url.startswith("https:"):
            return headers
        # RFC 8058 §3.1 knows no other one-click address: on a plain http address the button would be a lie.
        return tuple(header for header in headers if not header[0].startswith("List-Unsubscribe"))


def composer(session: Session, campaign: Campaign, tokens: Tokens, base_url: str) -> Composer:
    """The Composer of a campaign that is being sent."""
    topic = session.get(Topic, campaign.topic_id) if campaign.topic_id else None
    sender = session.get_one(Sender, campaign.sender_id)
    edition = edition_of(session, campaign.id)
    return Composer(campaign, sender, topic.key if topic else None, edition, tokens, base_url)
