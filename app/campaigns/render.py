"""One person's mail from an Edition, as a reader sees it: for previews, test mails and the browser.

In charge of: the plain form of all three parts. Not of where links lead: the caller gives the Urls, according to the
person's tracking mode. What is sent is rendered by `encode.py`, many times faster and to the same mail.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.campaigns.address import Urls
from app.campaigns.edition import Edition
from app.campaigns.holes import tidy
from app.campaigns.part import Part, RenderFailed, edition_tree, values_of
from app.campaigns.sandbox import HTML, PLAIN, missing_names

__all__ = ["DirectUrls", "RenderFailed", "Rendered", "Renderer"]


@dataclass(frozen=True, slots=True)
class DirectUrls:
    """Links as the marketer wrote them: for previews, and for people who are not tracked (L8)."""

    links: tuple[str, ...]
    pixel: str = ""
    prefix: str = ""
    scope: None = None

    def link(self, index: int) -> str:
        return self.links[index]

    def target(self, url: str) -> str:
        return url


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of one mail; `missing` are the names that were printed without a value."""

    subject: str
    html: str
    text: str
    missing: frozenset[str]


class Renderer:
    """Compiles an Edition once; render() may be called from several threads."""

    def __init__(self, edition: Edition) -> None:
        self._subject = subject_part(edition)
        self._html = Part(edition_tree(edition.html, HTML), HTML, edition.html_lines)
        self._text = Part(edition_tree(edition.text, PLAIN), PLAIN, edition.text_lines)

    def render(self, context: Mapping[str, Any], urls: Urls) -> Rendered:
        """Raises RenderFailed, and TypeError if the context holds more than plain values (S1)."""
        values = values_of(context)
        values |= {"_urls": urls, "_link": urls.link, "_pixel": pixel(urls.pixel)}
        missing: set[str] = set()
        token = missing_names.set(missing)
        try:
            subject = header_safe(self._subject.fill(values))
            html = self._html.fill(values)
            text = tidy(self._text.fill(values))
        finally:
            missing_names.reset(token)
        return Rendered(subject, html, text, frozenset(missing))


def subject_part(edition: Edition) -> Part:
    """The subject of an Edition, compiled."""
    return Part(edition_tree(edition.subject, PLAIN), PLAIN)


def header_safe(text: str) -> str:
    """One line without control characters, whatever a merge value holds (S3, R21)."""
    # Nearly all are fit, which is found out faster than mended.
    if not text.isprintable() or "  " in text:
        text = _UNFIT_FOR_HEADERS.sub(" ", text)
    return text.strip()


def pixel(address: str) -> Markup:
    """The picture that counts opens, or nothing."""
    return PIXEL.format(address) if address else Markup("")


PIXEL = Markup('<img src="{}" width="1" height="1" alt="" style="display:block;border:0">')
_UNFIT_FOR_HEADERS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
