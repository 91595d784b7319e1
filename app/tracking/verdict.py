"""Machine or human: the rules, in one place and numbered as a set.

In charge of: a Verdict for each hit, from its user agent, network, method, its distance from the sending and its
neighbours in time. The address and the agent come in with the hit and go no further (T5): only the verdict is kept.
Not of: what a verdict means for counts and scores (`take.py`).

The order of arrival plays no part (T4): what a hit is judged by are the hits around it, by the time they happened.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from app.campaigns.urls import EVERYBODY
from app.events.models import Verdict
from app.tracking.agents import APPLE_PREFETCH, GMAIL_PREFETCH, is_image_proxy, is_program
from app.tracking.networks import Network, network_of

# Stored with each event: a new set never re-judges silently what an old one has judged.
RULESET = 1

# So soon after our relay took the mail, hardly anybody has read it; a filter in front of the mailbox has.
INSTANT = timedelta(seconds=60)
# So many different links of one mail within so short a time are followed by machines.
BURST_LINKS = 3
BURST = timedelta(seconds=10)


class HitKind(StrEnum):
    """What was asked for."""

    OPEN = "o"
    CLICK = "c"


class Hit(NamedTuple):
    """One request for a pixel or a link; `at` in milliseconds since 1970.

    `link` names the link within the mail, `sign` what the request itself gave away (method, prefetch header).
    """

    at: int
    kind: str
    campaign_id: int
    subscriber_id: int
    link: str
    address: str
    agent: str
    sign: str

    @property
    def mail(self) -> "Mail":
        """The mail it was in."""
        return self.campaign_id, self.subscriber_id


Mail: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """The set, with what an operator may set otherwise."""

    instant: timedelta = INSTANT

    def judge(self, hit: Hit, sent_at: float | None, bursts: "Bursts") -> Verdict:
        """Who caused the hit; `sent_at` in seconds since 1970, None where the mail is nobody's."""
        verdict = _of_request(hit.kind, hit.agent, hit.sign) or _of_network(hit.kind, network_of(hit.address))
        if hit in bursts:
            return Verdict.SCANNER
        if sent_at is not None and verdict in _READERS and hit.at / 1000 - sent_at < self.instant.total_seconds():
            return Verdict.UNKNOWN
        return verdict


_READERS = frozenset(verdict for verdict in Verdict if verdict.is_reader)


@lru_cache(maxsize=4096)
def _of_request(kind: str, agent: str, sign: str) -> Verdict | None:
    """What a request gives away of itself; None where it looks like a reader's."""
    if kind == HitKind.OPEN:
        if is_image_proxy(agent):
            return Verdict.PROXY
        if agent == APPLE_PREFETCH or GMAIL_PREFETCH in agent:
            return Verdict.PREFETCH
    elif agent == APPLE_PREFETCH or is_image_proxy(agent):
        return Verdict.SCANNER
    return Verdict.SCANNER if sign or is_program(agent) else None


def _of_network(kind: str, network: Network | None) -> Verdict:
    """Whom an address stands for that is seen behind a browser."""
    if network is Network.GATEWAY:
        return Verdict.SCANNER
    if network is Network.MICROSOFT:
        # Safe Links sends the reader's own browser on, so a click from there is no reader's. Outlook.com loads images
        # for its readers from the network its scanners are in: nobody can tell them apart.
        return Verdict.UNKNOWN if kind == HitKind.OPEN else Verdict.SCANNER
    return Verdict.HUMAN


class Bursts:
    """The clicks among `hits` that belong to a burst: who follows three links of a mail in ten seconds reads none."""

    def __init__(self, hits: Iterable[Hit]) -> None:
        self._found: set[tuple[Mail, int]] = set()
        clicks: dict[Mail, list[Hit]] = defaultdict(list)
        for hit in hits:
            if hit.kind == HitKind.CLICK and hit.subscriber_id != EVERYBODY:
                clicks[hit.mail].append(hit)
        for mail, own in clicks.items():
            self._found |= {(mail, at) for at in _in_bursts(own)}

    def __contains__(self, hit: Hit) -> bool:
        return bool(self._found) and hit.kind == HitKind.CLICK and (hit.mail, hit.at) in self._found


def _in_bursts(clicks: Sequence[Hit]) -> set[int]:
    """The moments of the clicks that lie in some ten seconds with three different links."""
    found: set[int] = set()
    if len(clicks) < BURST_LINKS:
        return found
    clicks = sorted(clicks, key=lambda click: click.at)
    span, first, marked = BURST.total_seconds() * 1000, 0, 0
    links: Counter[str] = Counter()
    for last, click in enumerate(clicks):
        links[click.link] += 1
        while click.at - clicks[first].at > span:
            left = clicks[first].link
            links[left] -= 1
            if not links[left]:
                del links[left]
            first += 1
        if len(links) >= BURST_LINKS:
            found.update(each.at for each in clicks[max(first, marked) : last + 1])
            marked = last + 1
    return found
