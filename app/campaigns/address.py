"""Addresses that a person's values take part in, made safe while her mail is rendered.

In charge of: which addresses a mail may lead to, and how they stand beside their link's words in the text part. Not of
which addresses there are (links) nor of where a link leads in the end: whoever renders gives the Urls.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from jinja2 import pass_context
from jinja2.runtime import Context

from app.campaigns.filters import text_of


class Urls(Protocol):
    """Where the links of one person's mail lead."""

    @property
    def pixel(self) -> str:
        """The address of the picture that counts opens; empty for none."""

    @property
    def prefix(self) -> str:
        """What all tracked links of this mail begin with; empty if they are not tracked."""

    @property
    def scope(self) -> object:
        """Equal for those whose targets are."""

    def link(self, index: int) -> str:
        """For the link with this number in Edition.links: prefix and number, if there is a prefix."""

    def target(self, url: str) -> str:
        """What follows the prefix for a target that only the person's own values make; it is http or https."""


def safe_address(address: str) -> str:
    """The address if a mail may lead to it, else nothing: http, https, mailto, tel, and cid for images."""
    return _short(address) if len(address) < 300 else _safe(address)


def is_web(safe: str) -> bool:
    """Whether a safe address may be tracked."""
    return safe[:4].lower() == "http"


def encoded(address: str) -> str:
    """Every character an address cannot hold, percent-encoded; what is encoded already stays."""
    return address if _CLEAN.fullmatch(address) else _UNFIT.sub(_percent, address)


def beside(address: str, said: str = "") -> str:
    """The address of a link in brackets, unless its words, which end with `said`, end with it anyway."""
    target = _SCHEME.sub("", address)
    return "" if not target or said.endswith(target) else f" ({target})"


def _safe(address: str) -> str:
    address = address.strip()
    return encoded(address) if _SAFE.match(address) else ""


_short = lru_cache(4096)(_safe)


@pass_context
def _dynamic(context: Context, address: Any) -> str:
    safe = safe_address(text_of(address))
    urls: Urls = context.parent["_urls"]
    return f"{urls.prefix}{urls.target(safe)}" if is_web(safe) else safe


def _address(address: Any) -> str:
    return safe_address(text_of(address))


def _style_url(address: Any) -> str:
    """Neither brackets nor quotes can end the `url(…)`."""
    return _ENDS_URL.sub(_percent, safe_address(text_of(address)))


def _style(value: Any) -> str:
    """A colour, a number with its unit, a word: nothing that ends a declaration or begins a call."""
    return _UNFIT_FOR_STYLE.sub("", text_of(value))


def _beside(address: Any, said: Any = "") -> str:
    return beside(text_of(address), text_of(said))


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


#: Filters that links and plaintext write into a template.
ADDRESSES: dict[str, Callable[..., str]] = {
    "_dynamic": _dynamic,
    "_address": _address,
    "_beside": _beside,
    "_style": _style,
    "_style_url": _style_url,
}

#: What the rewritten template calls; parse(internal=…) lets exactly these pass.
FUNCTIONS = frozenset({"_link", "_pixel", "_part", "_mailbox", *ADDRESSES})

#: The recipient's own links: a click on them is never recorded.
OWN_LINKS = frozenset({"unsubscribe_url", "preferences_url", "tracking_off_url", "webview_url"})

_CLEAN = re.compile(r"[\w:/?#\[\]@!$&'()*+,;=%.~-]*", re.ASCII)
_UNFIT = re.compile(r"[^\w:/?#\[\]@!$&'()*+,;=%.~-]", re.ASCII)
_SAFE = re.compile(r"(?:https?://|mailto:|tel:|cid:)[^\s]", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:mailto|tel):")
_ENDS_URL = re.compile(r"[()'\"\\]")
_UNFIT_FOR_STYLE = re.compile(r"[^\w\s#%.,+-]")
