"""A message as values, and its bytes on the wire.

In charge of: MIME, headers, addresses. Not of: handing it over (transport), nor of what it says (campaigns).

The serialiser is our own because Python's folds a List-Unsubscribe URL of 76 characters or more into encoded
words (CPython issue 85725), which kills one-click unsubscribe, and writes German bodies as 8bit.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b

import idna

from app.encoded_words import encoded_words
from app.quoted import whole_lines

HEADER_WIDTH = 78  # RFC 5322 §2.1.1
LINE_LIMIT = 998  # RFC 5322 §2.1.1

Headers = tuple[tuple[str, str], ...]


class BadHeader(ValueError):
    """A value that may not stand in a header; the message names the header, never the value."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person. `date` is aware; `headers` follow the standard ones in the order given."""

    sender_name: str
    sender_address: str
    recipient: str
    envelope_sender: str
    subject: str
    html: str | None
    text: str
    reply_to: str | None
    message_id: str
    date: datetime
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What each of many mails has of its own. `date` is aware."""

    recipient: str
    subject: str
    date: datetime
    message_id: str
    headers: Headers = ()


class Frame:
    """What is the same in many mails, written once: their sender, headers, and the lines around their parts.

    `headers` follow those of each mail.
    """

    def __init__(self, sender_name: str, sender_address: str, reply_to: str | None, headers: Headers = ()) -> None:
        """Raises BadHeader."""
        self._start = f"From: {_mailbox(sender_name, sender_address)}\r\nTo: "
        lines = [_raw("Reply-To", wire_address(reply_to))] if reply_to else []
        lines += [_header(name, value) for name, value in headers]
        # Quoted-printable cannot hold "=_", so what begins with it never occurs in a part.
        self._boundary = "=_" + blake2b(self._start.encode(), digest_size=12).hexdigest()
        self._end = "".join(f"{line}\r\n" for line in [*lines, "MIME-Version: 1.0"])

    def filled(self, head: Head, text: str, html: str | None) -> bytes:
        """A mail as it goes over the wire, its parts given as whole pieces (`quoted`). Raises BadHeader."""
        start = (
            f"{self._start}{wire_address(head.recipient)}\r\n{_text('Subject', head.subject)}\r\n"
            f"Date: {_date(head.date.replace(microsecond=0))}\r\n{_raw('Message-ID', head.message_id)}\r\n"
        )
        own = "".join([f"{_header(name, value)}\r\n" for name, value in head.headers])
        return f"{start}{own}{self._end}{self._body(text, html)}".encode("ascii")

    def _body(self, text: str, html: str | None) -> str:
        if html is None:
            return f"{_TEXT_PART}{text}"
        mark = f"--{self._boundary}"
        return (
            f'Content-Type: multipart/alternative;\r\n boundary="{self._boundary}"\r\n\r\n'
            f"{mark}\r\n{_TEXT_PART}{text}\r\n{mark}\r\n{_HTML_PART}{html}\r\n{mark}--\r\n"
        )


def to_bytes(message: Message) -> bytes:
    """The message as it goes over the wire: CRLF, 7-bit, no line over 998 octets. Raises BadHeader."""
    frame = Frame(message.sender_name, message.sender_address, message.reply_to, message.headers)
    head = Head(message.recipient, message.subject, message.date, message.message_id)
    html = None if message.html is None else whole_lines(message.html)
    return frame.filled(head, whole_lines(message.text), html)


def wire_address(address: str) -> str:
    """The address with its domain as A-labels: `kunde@straße.de` → `kunde@xn--strae-oqa.de` (R22).

    Raises BadHeader for what must not reach an envelope or a header (S20), and for a local part that needs
    SMTPUTF8.
    """
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        raise BadHeader("Not an address that can be reached")
    return f"{local}@{_a_labels(domain)}"


def message_id(campaign_id: int, subscriber_id: int, domain: str) -> str:
    """A function of (campaign, subscriber), so that a message sent twice can be recognised."""
    return f"<{campaign_id}.{subscriber_id}@{_a_labels(domain)}>"


def bulk_headers(list_id: str, feedback_id: str | None = None) -> Headers:
    """What all mails of a campaign carry (R7, R15).

    `list_id` is `topic.example.org`, `feedback_id` is `campaign:account:type:sender`.
    """
    headers = [("List-Id", f"<{list_id}>"), ("Precedence", "bulk")]  # RFC 2919 §3
    return (*headers, ("Feedback-ID", feedback_id)) if feedback_id else tuple(headers)


def one_click_headers(unsubscribe_url: str, unsubscribe_mailto: str | None = None) -> Headers:
    """What lets a mail program offer a button to leave (R10); none for an address that is not https.

    RFC 8058 §3.1 knows no other one-click address: on a plain http address the button would be a lie.
    """
    if not unsubscribe_url.startswith("https:"):
        return ()
    mailto = f", <mailto:{unsubscribe_mailto}>" if unsubscribe_mailto else ""
    return (
        ("List-Unsubscribe", f"<{unsubscribe_url}>{mailto}"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def system_headers() -> Headers:
    """What a confirmation or a notice carries, so that no autoresponder answers it (RFC 3834 §5)."""
    return (("Auto-Submitted", "auto-generated"),)


def one_line(value: str) -> bool:
    """Whether the value may stand in a header as it is."""
    return not _CONTROLS.search(value)


@lru_cache(4096)
def _a_labels(domain: str) -> str:
    try:
        # Python's own codec is IDNA2003 and would write to strasse.de, another owner's domain.
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii")
    except idna.IDNAError as error:
        raise BadHeader("Not a domain that can be reached") from error


@lru_cache(4)
def _date(date: datetime) -> str:
    return format_datetime(date)


def _header(name: str, value: str) -> str:
    if name == "List-Unsubscribe-Post":
        return _ONE_CLICK if value == "List-Unsubscribe=One-Click" else _list(name, value)
    return _list(name, value) if name.startswith("List-") else _text(name, value)


def _mailbox(name: str, address: str) -> str:
    """`Käserei Müller <a@b.de>` with the name encoded as far as needed (RFC 5322 §3.4, RFC 2047 §5)."""
    _refuse_controls("From", name)
    name, addr = name.strip(), f"<{wire_address(address)}>"
    if not name:
        return addr[1:-1]
    if name.isascii() and len(name) + len(addr) < HEADER_WIDTH - 10 and "=?" not in name:
        phrase = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{phrase} {addr}"
    return f"{encoded_words('From', name)}\r\n {addr}"


def _text(name: str, value: str) -> str:
    return _short_text(name, value) if len(value) < 200 else _written(name, value)


def _written(name: str, value: str) -> str:
    """A header of plain words: folded at spaces, or as encoded words where it is not ASCII (RFC 2047 §2)."""
    _refuse_controls(name, value)
    value = value.strip()
    long_word = any(len(word) > HEADER_WIDTH - 12 for word in value.split(" "))
    if long_word or not value.isascii() or "=?" in value:
        return f"{name}: {encoded_words(name, value)}"
    return f"{name}: {_folded(value, HEADER_WIDTH - len(name) - 2)}"


# Subjects differ by the names of people, and many have the same.
_short_text = lru_cache(1024)(_written)


def _list(name: str, value: str) -> str:
    """A List-* header: raw, folded only between URIs, as receivers do not decode it (RFC 8058 §3.1, R10)."""
    if not (_URIS if name == "List-Unsubscribe" else _ASCII).fullmatch(value):
        raise BadHeader(f"{name} must hold plain ASCII URIs, the first of them https")
    field = f"{name}: {value}".replace(">, <", ">,\r\n <")
    if len(field) > LINE_LIMIT and any(len(line) > LINE_LIMIT for line in field.split("\r\n")):
        raise BadHeader(f"{name} is longer than a line may be")
    return field


def _raw(name: str, value: str) -> str:
    _refuse_controls(name, value)
    if not value.isascii() or len(value) > LINE_LIMIT - len(name) - 2:
        raise BadHeader(f"{name} cannot be written")
    return f"{name}: {value}"


def _folded(value: str, width: int) -> str:
    lines, line = [], ""
    for word in value.split(" "):
        # A line of blanks alone would end the header for some receivers, so blanks never begin a fold.
        if line.strip() and len(line) + 1 + len(word) > width and word:
            lines.append(line)
            line, width = word, HEADER_WIDTH - 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _refuse_controls(name: str, value: str) -> None:
    """CR, LF, NUL, U+2028 and their like would end the header and begin the next (R21)."""
    if not one_line(value):
        raise BadHeader(f"{name} holds a control character")


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ASCII = re.compile("[ -~]+")
_ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
_URIS = re.compile(r"<https://[!-;=?-~]+>(, <mailto:[!-;=?-~]+>)?")
_TEXT_PART, _HTML_PART = (
    f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    for kind in ("plain", "html")
)
