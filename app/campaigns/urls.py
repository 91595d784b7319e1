"""Where the links of one person's mail lead, according to what may be learnt from her (TRUST L8).

In charge of: making tracked addresses, and reading them back, so that their form is known in one place. Not of
answering them (`app/tracking`), nor of what a click may record: that is decided when it arrives (L9).

    /o/<token>.gif        the pixel; the token says campaign and subscriber
    /c/<token>/<index>    a link of the campaign's table
    /c/<token>/<target>   a link that a person's values make: the target, signed for the campaign (S6)

Subscriber 0 stands for everybody: in aggregate mode all people get the same address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from app.campaigns.address import Urls
from app.campaigns.render import DirectUrls
from app.subscribers.models import TrackingMode
from app.tokens import Purpose, Tokens

EVERYBODY = 0


@dataclass(frozen=True, slots=True)
class OpenAddress:
    """A pixel of a campaign, in the mail of a person or of EVERYBODY."""

    campaign_id: int
    subscriber_id: int


@dataclass(frozen=True, slots=True)
class ClickAddress:
    """A link: either the `index` of the campaign's table, or a `target` of its own."""

    campaign_id: int
    subscriber_id: int
    index: int | None = None
    target: str | None = None


Address: TypeAlias = OpenAddress | ClickAddress


class TrackedUrls:
    """Tracked links; one signature for the whole mail."""

    def __init__(self, tokens: Tokens, base_url: str, campaign_id: int, subscriber_id: int) -> None:
        self._tokens = tokens
        self._base_url = base_url
        self._whom = (campaign_id, subscriber_id)
        self.scope = (tokens, campaign_id)
        self.prefix = f"{base_url}/c/{tokens.sign(Purpose.CLICK, *self._whom)}/"

    @property
    def pixel(self) -> str:
        """The picture that counts opens."""
        return f"{self._base_url}/o/{self._tokens.sign(Purpose.OPEN, *self._whom)}.gif"

    def link(self, index: int) -> str:
        """A link of the table."""
        return f"{self.prefix}{index}"

    def target(self, url: str) -> str:
        """A target, signed for all mails of the campaign: the same product stands in many."""
        return (_short_target if len(url) < _SHORT else _target)(self._tokens, self._whom[0], url)


def _target(tokens: Tokens, campaign_id: int, url: str) -> str:
    return tokens.sign(Purpose.TARGET, campaign_id, text=url)


_SHORT = 300
_short_target = lru_cache(4096)(_target)


def person_urls(
    tokens: Tokens,
    base_url: str,
    campaign_id: int,
    subscriber_id: int,
    mode: TrackingMode,
    targets: Sequence[str],
) -> Urls:
    """The Urls for one person's mail; `targets` is `Edition.links`."""
    match mode:
        case TrackingMode.PERSONAL:
            return TrackedUrls(tokens, base_url, campaign_id, subscriber_id)
        case TrackingMode.AGGREGATE:
            return TrackedUrls(tokens, base_url, campaign_id, EVERYBODY)
        case _:
            return DirectUrls(tuple(targets))


def read_address(tokens: Tokens, path: str) -> Address | None:
    """What a path says; None if it is no tracked address or was not signed here."""
    if found := _OPEN.fullmatch(path):
        match tokens.read(Purpose.OPEN, found[1]):
            case (campaign_id, subscriber_id):
                return OpenAddress(campaign_id, subscriber_id)
    elif found := _CLICK.fullmatch(path):
        match tokens.read(Purpose.CLICK, found[1]):
            case (campaign_id, subscriber_id):
                return _click(tokens, campaign_id, subscriber_id, found[2])
    return None


def _click(tokens: Tokens, campaign_id: int, subscriber_id: int, link: str) -> ClickAddress | None:
    if len(link) <= _INDEX_DIGITS:
        return ClickAddress(campaign_id, subscriber_id, index=int(link)) if link.isdecimal() else None
    match tokens.read(Purpose.TARGET, link):
        # A target of another campaign would be one that this mail cannot have held.
        case (of_campaign, *target) if of_campaign == campaign_id and target:
            return ClickAddress(campaign_id, subscriber_id, target=bytes(target).decode("ascii"))
    return None


_INDEX_DIGITS = 4
_OPEN = re.compile(r"/o/([A-Za-z0-9_-]{22,100})\.gif")
_CLICK = re.compile(r"/c/([A-Za-z0-9_-]{22,100})/([A-Za-z0-9_-]{1,8000})", re.ASCII)
