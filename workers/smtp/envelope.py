"""A mail as commands and content on the wire: what may stand in an envelope, and what the server must offer for it.

Not in charge of: when they are sent (`connection.py`).
"""

import re
from dataclasses import dataclass

import idna

from app.transport import MailObject, Outcome, Result
from workers.smtp.wording import TOO_BIG

# What may stand between < and > on the wire (S20).
_ADDRESS = re.compile(r"[!-;=?-~]+")
# RFC 6531 §3.3: beyond ASCII all but controls, blanks and brackets.
_WIDE = re.compile(r"[^\x00-\x20<>\x7f-\xa0\u2028\u2029\ud800-\udfff]+")

# Written so that it looks for the rare dot and not for the many line ends: half the time of `in`.
_DOT_LINE = re.compile(rb"\.(?<=\r\n\.)")


@dataclass(frozen=True, slots=True)
class Offers:
    """What the server said it can do (RFC 5321 §4.1.1.1); `size` is its limit, 0 for none, None if it said nothing."""

    pipelining: bool = False
    starttls: bool = False
    smtputf8: bool = False
    size: int | None = None
    auth: frozenset[str] = frozenset()

    @classmethod
    def read(cls, ehlo: bytes) -> "Offers":
        """From the text of the reply to EHLO; its first line is the server's name."""
        found: dict[str, list[str]] = {}
        for line in ehlo.decode("ascii", "replace").upper().split("\n")[1:]:
            # Old servers write AUTH=LOGIN.
            keyword, *values = line.replace("AUTH=", "AUTH ").split() or [""]
            found.setdefault(keyword, []).extend(values)
        sizes = [int(value) for value in found.get("SIZE", []) if value.isascii() and value.isdigit()]
        return cls(
            pipelining="PIPELINING" in found,
            starttls="STARTTLS" in found,
            smtputf8="SMTPUTF8" in found,
            size=(sizes or [0])[0] if "SIZE" in found else None,
            auth=frozenset(found.get("AUTH", ())),
        )


def on_wire(address: str) -> str:
    """The address with its domain as A-labels (R22): what is left beyond ASCII needs SMTPUTF8."""
    if address.isascii():
        return address
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return address


def unfit(mail: MailObject) -> Outcome | None:
    """Why this mail can be offered to no server at all."""
    sender = mail.envelope_sender
    fits = _ADDRESS.fullmatch(mail.recipient) or _is_wide(mail.recipient)
    if not fits or not (not sender or _ADDRESS.fullmatch(sender) or _is_wide(sender)):
        return Outcome(Result.BOUNCED, 553, "5.1.3", "not an address that can be reached")
    return None


def unfit_for(mail: MailObject, offers: Offers) -> Outcome | None:
    """Why this mail cannot be offered to a server that offers this."""
    if not offers.smtputf8 and not (on_wire(mail.recipient).isascii() and on_wire(mail.envelope_sender).isascii()):
        text = "this address needs SMTPUTF8 (RFC 6531), and the relay does not offer it"
        return Outcome(Result.BOUNCED, 553, "5.6.7", text)
    if offers.size and len(mail.content) > offers.size:
        text = f"the mail has {len(mail.content)} bytes, and the relay takes {offers.size}"
        return Outcome(Result.BOUNCED, TOO_BIG, "5.3.4", text)
    return None


def commands(mail: MailObject, offers: Offers) -> tuple[bytes, bytes, bytes]:
    """MAIL, RCPT and DATA."""
    size = "" if offers.size is None else f" SIZE={len(mail.content)}"
    sender, recipient = on_wire(mail.envelope_sender), on_wire(mail.recipient)
    if recipient.isascii() and sender.isascii():
        wide = ""
    else:
        wide = " SMTPUTF8" if mail.content.isascii() else " BODY=8BITMIME SMTPUTF8"
    return (
        f"MAIL FROM:<{sender}>{size}{wide}\r\n".encode(),
        f"RCPT TO:<{recipient}>\r\n".encode(),
        b"DATA\r\n",
    )


def stuffed(content: bytes) -> bytes:
    """RFC 5321 §4.5.2, and the CR LF that must stand before the final dot."""
    if content.startswith(b"."):
        content = b"." + content
    if _DOT_LINE.search(content):
        content = content.replace(b"\r\n.", b"\r\n..")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _is_wide(address: str) -> bool:
    return not address.isascii() and bool(_WIDE.fullmatch(address))
