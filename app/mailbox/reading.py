"""A caught mail taken apart for the eye: headers, text, HTML and links.

Any bytes may have been caught, so nothing here raises. Not in charge of: how it is shown.
"""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from lxml import etree
from lxml import html as lxml_html

from app.mailbox.store import decoded


@dataclass(frozen=True, slots=True)
class Link:
    """A place where a click leads, and the words that lead there."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a mail says; `html` and `text` are empty where it has no such part."""

    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    links: tuple[Link, ...]


def parse(raw: bytes) -> Parsed:
    """Take a mail apart."""
    # compat32: the newer policy raises on some real mails (TRUST Q18).
    message = message_from_bytes(raw, policy=compat32)
    html = _part(message, "text/html")
    headers = tuple((name, decoded(str(value))) for name, value in message.items())
    return Parsed(headers, html, _part(message, "text/plain"), links(html))


def links(html: str) -> tuple[Link, ...]:
    """Every `<a href>` in order, each as often as it stands there."""
    if not html.strip():
        return ()
    try:
        tree = lxml_html.document_fromstring(html)
    except (etree.ParserError, ValueError):
        return ()
    anchors = [anchor for anchor in tree.iter("a") if anchor.get("href")]
    return tuple(Link(anchor.get("href", ""), _words(anchor)) for anchor in anchors)


def _words(anchor: lxml_html.HtmlElement) -> str:
    texts = [str(text) for text in anchor.itertext()]
    pictures = [image.get("alt", "") for image in anchor.iter("img")]
    return " ".join(" ".join(texts + pictures).split())


def _part(message: Message, content_type: str) -> str:
    for part in message.walk():
        if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            return _text(content, part.get_content_charset("utf-8")) if isinstance(content, bytes) else ""
    return ""


def _text(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
