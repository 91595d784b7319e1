"""What merge tags stand for, for each of many people: plain values only, never rows (TRUST S1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.organisation import organisation
from app.campaigns.merge_tags import first_words
from app.campaigns.models import Campaign
from app.db import one_of, rows
from app.feature import house
from app.subscribers.links import preferences_url, tracking_off_url, unsubscribe_url
from app.subscribers.models import Standing, Subscriber, TrackingMode
from app.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a mail is for, and what it says to her."""

    subscriber_id: int
    email: str
    tracking: TrackingMode
    context: Mapping[str, Any]


def people(
    session: Session,
    campaign: Campaign,
    subscriber_ids: Sequence[int],
    merge_tags: Iterable[str],
    tokens: Tokens,
    base_url: str,
) -> dict[int, Person]:
    """What is needed to write to each of these, for a mail that uses `merge_tags` (`Edition.merge_tags`).

    A constant number of queries for any number of people, and none for what the mail does not say.
    """
    wanted = first_words(merge_tags) | {"unsubscribe_url"}
    shared = common(session, campaign)
    values = house().merge_values(session, subscriber_ids, wanted)
    addresses = _Addresses(campaign, wanted, tokens, base_url)
    columns = Subscriber.id, Subscriber.email, Subscriber.token_epoch, Standing.tracking
    readers = select(*columns).join(Subscriber.standing).where(one_of(Subscriber.id, subscriber_ids))
    return {
        key: Person(key, email, tracking, {**shared, "email": email, **values[key], **addresses.of(key, epoch)})
        for key, email, epoch, tracking in rows(session, readers)
    }


def common(session: Session, campaign: Campaign) -> dict[str, Any]:
    """What is the same for everybody: the brand and the organisation."""
    sender = session.get_one(Sender, campaign.sender_id)
    own = organisation(session)
    return {
        "sender": {"name": campaign.from_name or sender.name, "address": sender.address, "imprint": sender.imprint},
        "organisation": {"name": own.name, "currency": own.currency} if own else {"name": sender.name},
    }


class _Addresses:
    """The reader's own links, as far as they are wanted."""

    def __init__(self, campaign: Campaign, wanted: frozenset[str], tokens: Tokens, base_url: str) -> None:
        self._campaign_id, self._topic_id = campaign.id, campaign.topic_id or 0
        self._tokens, self._base_url = tokens, base_url
        self._makers = [(name, make) for name, make in _ADDRESSES.items() if name in wanted]

    def of(self, person: int, epoch: int) -> dict[str, str]:
        return {name: make(self, person, epoch) for name, make in self._makers}

    def unsubscribe(self, person: int, epoch: int) -> str:
        return unsubscribe_url(self._tokens, self._base_url, person, epoch, self._topic_id, self._campaign_id)

    def preferences(self, person: int, epoch: int) -> str:
        return preferences_url(self._tokens, self._base_url, person, epoch)

    def tracking_off(self, person: int, epoch: int) -> str:
        return tracking_off_url(self._tokens, self._base_url, person, epoch)

    def webview(self, person: int, epoch: int) -> str:
        return f"{self._base_url}/view/{self._tokens.sign(Purpose.WEBVIEW, self._campaign_id, person, epoch)}"


_ADDRESSES = {
    "unsubscribe_url": _Addresses.unsubscribe,
    "preferences_url": _Addresses.preferences,
    "tracking_off_url": _Addresses.tracking_off,
    "webview_url": _Addresses.webview,
}
