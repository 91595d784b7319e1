"""A message as values, and its bytes on the wire.

In charge of: MIME, headers, addresses. Not of: handing it over (transport), nor of what it says (campaigns).

The serialiser is our own because Python's folds a List-Unsubscribe URL of 76 characters or more into encoded
words (CPython issue 85725), which kills one-click unsubscribe, and writes German bodies as 8bit.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b

import idna

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


def to_bytes(message: Message) -> bytes:
    """The message as it goes over the wire: CRLF, 7-bit, no line over 998 octets. Raises BadHeader."""
    lines = [f"From: {_mailbox(message.sender_name, message.sender_address)}"]
    lines.append(_raw("To", wire_address(message.recipient)))
    lines.append(_text("Subject", message.subject))
    lines.append(_raw("Date", format_datetime(message.date)))
    lines.append(_raw("Message-ID", message.message_id))
    if message.reply_to:
        lines.append(_raw("Reply-To", wire_address(message.reply_to)))
    lines.extend(
        _list(name, value) if name.startswith("List-") else _text(name, value) for name, value in message.headers
    )
    content_type, encoding, body = _body(message)
    lines += ["MIME-Version: 1.0", f"Content-Type: {content_type}", *encoding]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


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


def bulk_headers(
    unsubscribe_url: str, list_id: str, feedback_id: str | None = None, unsubscribe_mailto: str | None = None
) -> Headers:
    """What a campaign's mail carries (R7, R10, R15).

    `list_id` is `topic.example.org`, `feedback_id` is `campaign:account:type:sender`. The URL must be https:
    RFC 8058 §3.1 knows no other one-click address.
    """
    mailto = f", <mailto:{unsubscribe_mailto}>" if unsubscribe_mailto else ""
    headers = [
        ("List-Unsubscribe", f"<{unsubscribe_url}>{mailto}"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", f"<{list_id}>"),  # RFC 2919 §3
        ("Precedence", "bulk"),
    ]
    return (*headers, ("Feedback-ID", feedback_id)) if feedback_id else tuple(headers)


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


def _body(message: Message) -> tuple[str, Iterable[str], bytes]:
    plain = _part("text/plain", message.text)
    if message.html is None:
        return plain
    boundary = "=_" + blake2b(message.message_id.encode(), digest_size=12).hexdigest()
    opening = b"--" + boundary.encode()
    blocks = [opening + b"\r\n" + _part_bytes(part) for part in (plain, _part("text/html", message.html))]
    body = b"\r\n".join([*blocks, opening + b"--", b""])
    return f'multipart/alternative;\r\n boundary="{boundary}"', (), body


def _part(kind: str, text: str) -> tuple[str, tuple[str], bytes]:
    """Quoted-printable, or base64 where that is shorter: 7-bit, no bare CR or LF, no lone dot (R18)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    data = lines.replace("\n", "\r\n").encode(errors="replace") + b"\r\n"
    # Neither encoding can hold "=_", so a boundary that begins with it never occurs in a part.
    name, body = "quoted-printable", binascii.b2a_qp(data)
    if len(body) > len(data) * 4 // 3 + 100:
        name, body = "base64", base64.encodebytes(data).replace(b"\n", b"\r\n")
    return f"{kind}; charset=utf-8", (f"Content-Transfer-Encoding: {name}",), body


def _part_bytes(part: tuple[str, tuple[str], bytes]) -> bytes:
    content_type, encoding, body = part
    return "\r\n".join([f"Content-Type: {content_type}", *encoding]).encode() + b"\r\n\r\n" + body


def _mailbox(name: str, address: str) -> str:
    """`Käserei Müller <a@b.de>` with the name encoded as far as needed (RFC 5322 §3.4, RFC 2047 §5)."""
    _refuse_controls("From", name)
    name, addr = name.strip(), f"<{wire_address(address)}>"
    if not name:
        return addr[1:-1]
    if name.isascii() and len(name) + len(addr) < HEADER_WIDTH - 10 and "=?" not in name:
        phrase = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{phrase} {addr}"
    return f"{_encoded_words('From', name)}\r\n {addr}"


def _text(name: str, value: str) -> str:
    """A header of plain words: folded at spaces, or as encoded words where it is not ASCII (RFC 2047 §2)."""
    _refuse_controls(name, value)
    value = value.strip()
    long_word = any(len(word) > HEADER_WIDTH - 12 for word in value.split(" "))
    if long_word or not value.isascii() or "=?" in value:
        return f"{name}: {_encoded_words(name, value)}"
    return f"{name}: {_folded(value, HEADER_WIDTH - len(name) - 2)}"


def _list(name: str, value: str) -> str:
    """A List-* header: raw, folded only between URIs, as receivers do not decode it (RFC 8058 §3.1, R10)."""
    _refuse_controls(name, value)
    if not value.isascii() or (name == "List-Unsubscribe" and not _URIS.fullmatch(value)):
        raise BadHeader(f"{name} must hold plain ASCII URIs, the first of them https")
    field = f"{name}: " + value.replace(">, <", ">,\r\n <")
    if any(len(line) > LINE_LIMIT for line in field.split("\r\n")):
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


def _encoded_words(name: str, value: str) -> str:
    return Header(value, "utf-8", header_name=name, maxlinelen=75).encode(linesep="\r\n")


def _refuse_controls(name: str, value: str) -> None:
    """CR, LF, NUL, U+2028 and their like would end the header and begin the next (R21)."""
    if not one_line(value):
        raise BadHeader(f"{name} holds a control character")


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_URIS = re.compile(r"<https://[^<>\s]+>(, <mailto:[^<>\s]+>)?")
