"""Where the links of one person's mail lead, according to what may be learnt from her (TRUST L8).

In charge of: making tracked addresses, and reading them back, so that their form is known in one place. Not of
answering them (`app/tracking`), nor of what a click may record: that is decided when it arrives (L9).

    /o/<token>.gif        the pixel; the token says campaign and subscriber
    /c/<token>/<index>    a link of the campaign's table
    /c/<token>            a link that only this person's values make; the token carries the target, signed (S6)

Subscriber 0 stands for everybody: in aggregate mode all people get the same address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.campaigns.render import DirectUrls, Urls
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
    """Tracked links; one signature for the whole mail, and one for each target of its own."""

    def __init__(self, tokens: Tokens, base_url: str, campaign_id: int, subscriber_id: int) -> None:
        self._tokens = tokens
        self._base_url = base_url
        self._whom = (campaign_id, subscriber_id)
        self._links = f"{base_url}/c/{tokens.sign(Purpose.CLICK, *self._whom)}/"

    @property
    def pixel(self) -> str:
        """The picture that counts opens."""
        return f"{self._base_url}/o/{self._tokens.sign(Purpose.OPEN, *self._whom)}.gif"

    def link(self, index: int) -> str:
        """A link of the table."""
        return f"{self._links}{index}"

    def dynamic(self, url: str) -> str:
        """A link that carries its target."""
        return f"{self._base_url}/c/{self._tokens.sign(Purpose.CLICK, *self._whom, *url.encode())}"


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
            case (campaign_id, subscriber_id) if found[2]:
                return ClickAddress(campaign_id, subscriber_id, index=int(found[2]))
            case (campaign_id, subscriber_id, *target) if target and not found[2]:
                return ClickAddress(campaign_id, subscriber_id, target=bytes(target).decode())
    return None


_OPEN = re.compile(r"/o/([A-Za-z0-9_-]{22,100})\.gif")
_CLICK = re.compile(r"/c/([A-Za-z0-9_-]{22,8000})(?:/([0-9]{1,4}))?", re.ASCII)
