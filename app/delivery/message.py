"""One person's mail, finished: rendered, with the headers that bulk mail carries, signed.

What is the same for all is made once for each campaign, all else anew for each recipient from that recipient's own
values: nothing of one person can reach the mail of another (TRUST S19). Not in charge of: rendering
(`campaigns/encode.py`), lines and headers (`app/mail.py`), or sending.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.signing import signer_for
from app.campaigns import merge_context
from app.campaigns.edition import Edition
from app.campaigns.editions import edition_of, merge_tags_of
from app.campaigns.encode import encoder_for
from app.campaigns.merge_context import Person
from app.campaigns.models import Campaign
from app.campaigns.urls import person_urls
from app.dkim import Signer
from app.mail import Frame, Head, bulk_headers, message_id, one_click_headers, wire_address
from app.subscribers.models import Topic
from app.tokens import Tokens
from app.transport import MailObject

__all__ = ["Composer", "Person", "composer", "people"]


def people(
    session: Session, campaign: Campaign, subscriber_ids: Sequence[int], tokens: Tokens, base_url: str
) -> dict[int, Person]:
    """What is needed to write to each of these, in a constant number of queries."""
    merge_tags = merge_tags_of(session, campaign)
    return merge_context.people(session, campaign, subscriber_ids, merge_tags, tokens, base_url)


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
        signer: Signer | None = None,
    ) -> None:
        self._campaign_id = campaign.id
        self._sender_address = sender.address
        self._domain = sender.domain
        self._links = edition.links
        self._encoder = encoder_for(edition)
        self._tokens = tokens
        self._base_url = base_url
        self._signer = signer
        domain = wire_address(f"list@{sender.domain}").removeprefix("list@")
        # Sender last, 5 to 15 characters, the same in all of its mails (R7).
        own = f"{domain.replace('.', '')}-mail"[:15]
        headers = bulk_headers(f"{topic_key or 'newsletter'}.{domain}", f"{campaign.id}:{sender.id}:newsletter:{own}")
        name, reply_to = campaign.from_name or sender.name, campaign.reply_to or sender.reply_to
        self._frame = Frame(name, sender.address, reply_to, headers)

    def mail(self, person: Person, now: datetime) -> MailObject:
        """Her mail. Raises RenderFailed, BadHeader, and TypeError for values that are not plain."""
        whom = (self._campaign_id, person.subscriber_id)
        urls = person_urls(self._tokens, self._base_url, *whom, person.tracking, self._links)
        parts = self._encoder.render(person.context, urls)
        number = message_id(*whom, self._domain)
        unsubscribe = one_click_headers(str(person.context["unsubscribe_url"]))
        head = Head(person.email, parts.subject, now, number, unsubscribe)
        content = self._frame.filled(head, parts.text, parts.html)
        if self._signer:
            content = self._signer.header(content) + content
        return MailObject(person.subscriber_id, self._sender_address, person.email, content, is_ready=True)


def composer(session: Session, campaign: Campaign, tokens: Tokens, base_url: str) -> Composer:
    """The Composer of a campaign that is being sent."""
    topic = session.get(Topic, campaign.topic_id) if campaign.topic_id else None
    sender = session.get_one(Sender, campaign.sender_id)
    edition = edition_of(session, campaign.id)
    signer = signer_for(session, sender)
    return Composer(campaign, sender, topic.key if topic else None, edition, tokens, base_url, signer)
