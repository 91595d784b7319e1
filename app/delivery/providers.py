"""What the servers of each mailbox provider said, and how often: who looks for the cause of a refusal begins here."""

from collections import defaultdict
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Subscriber

# Addresses of one provider that have several names.
_NAMES = {
    "Gmail": ("gmail.com", "googlemail.com"),
    "Outlook": ("outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "live.com", "live.de", "msn.com"),
    "Yahoo & AOL": ("yahoo.com", "yahoo.de", "ymail.com", "aol.com", "aol.de"),
    "iCloud": ("icloud.com", "me.com", "mac.com"),
    "GMX": ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com"),
    "WEB.DE": ("web.de",),
    "T-Online": ("t-online.de", "magenta.de"),
}
_PROVIDERS = {domain: name for name, domains in _NAMES.items() for domain in domains}
# Replies that begin alike say the same: code, RFC 3463 code and a word or two. What follows often names the one mail.
_ALIKE = 24
_MOST, _PROVIDERS_SHOWN, _EACH = 500, 6, 4
_TOLD = (DeliveryState.DEFERRED, DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a server said, or why mails could not be made, and of how many people; `reply` is one of them in full."""

    state: DeliveryState
    reason: str | None
    reply: str | None
    people: int


@dataclass(frozen=True, slots=True)
class ProviderTroubles:
    """The most frequent complaints of one provider; `people` are all it complained about."""

    provider: str
    people: int
    troubles: list[Trouble]


def troubles_by_provider(session: Session, campaign_id: int) -> list[ProviderTroubles]:
    """The providers with the most complaints, and of each the most frequent ones, equal ones together."""
    people = func.count().label("people")
    domain, start = _domain(session), func.substr(Delivery.reply, 1, _ALIKE)
    query = (
        select(domain.label("domain"), Delivery.state, Delivery.reason, func.min(Delivery.reply), people)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == campaign_id, Delivery.state.in_(_TOLD))
        .group_by("domain", Delivery.state, Delivery.reason, start)
        .order_by(people.desc(), func.min(Delivery.reply))
        .limit(_MOST)
    )
    found: dict[str, list[Trouble]] = defaultdict(list)
    for name, state, reason, reply, count in session.execute(query):
        found[_PROVIDERS.get(name, name)].append(Trouble(state, reason, reply, count))
    told = [ProviderTroubles(name, sum(t.people for t in all_), _merged(all_)[:_EACH]) for name, all_ in found.items()]
    return sorted(told, key=lambda one: -one.people)[:_PROVIDERS_SHOWN]


def _domain(session: Session) -> ColumnElement[str]:
    if session.get_bind().dialect.name == "postgresql":
        return func.split_part(Subscriber.email, "@", 2)
    return func.substr(Subscriber.email, func.instr(Subscriber.email, "@") + 1)


def _merged(troubles: list[Trouble]) -> list[Trouble]:
    """The same complaint under several names of one provider, counted together."""
    found: dict[tuple[DeliveryState, str | None, str], Trouble] = {}
    for each in troubles:
        key = (each.state, each.reason, (each.reply or "")[:_ALIKE])
        before = found.get(key, each)
        found[key] = each if before is each else replace(before, people=before.people + each.people)
    return sorted(found.values(), key=lambda one: -one.people)
