"""The readers of the demo: they find their mail in the built-in mailbox, and do with it what readers and machines do.

Every hit is a real request to a link that stands in the delivered mail. Machines come within seconds, people later.
"""

import email
import re
from dataclasses import dataclass
from email.message import Message
from hashlib import blake2b
from html import unescape

from workers.demo.client import Client

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE = "Mozilla/5.0"
SCANNERS = ("python-requests/2.32.3", "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))", "")


@dataclass(frozen=True, slots=True)
class Mail:
    """A delivered mail as its reader finds it."""

    recipient: str
    subject: str
    html: str

    @property
    def pixel(self) -> str | None:
        """The picture that counts opens; None where nothing may be counted."""
        found = re.search(r'src="([^"]+/o/[^"]+)"', self.html)
        return unescape(found[1]) if found else None

    @property
    def links(self) -> list[str]:
        """The tracked links, in the order of the mail."""
        return [unescape(url) for url in re.findall(r'href="([^"]+/c/[^"]+)"', self.html)]

    @property
    def unsubscribe(self) -> str | None:
        """The way out."""
        found = re.search(r'href="[^"]+(/u/[^"]+)"', self.html)
        return unescape(found[1]) if found else None


def read_mail(raw: bytes, recipient: str) -> Mail:
    """Parse a mail with Python's own library: what it cannot read, no reader could."""
    message = email.message_from_bytes(raw)
    return Mail(recipient, str(message["Subject"]), _html(message))


def machines(mail: Mail, client: Client) -> int:
    """What comes before any person does: scanners in front of some inboxes, Apple's prefetch for others."""
    dice = _dice(mail.recipient, "machine")
    if dice < 0.10:
        agent = SCANNERS[int(dice * 1000) % len(SCANNERS)]
        return sum(client.visit(url, agent) < 400 for url in [*mail.links, *filter(None, [mail.pixel])])
    if dice < 0.28 and mail.pixel:
        return int(client.visit(mail.pixel, APPLE) < 400)
    return 0


def people(mail: Mail, client: Client, orders: int) -> int:
    """What a person does, as the number of hits; those who buy often read more."""
    keenness = min(orders, 10) / 40
    mood = _dice(mail.recipient, mail.subject)
    if mood > 0.40 + keenness:
        return 0
    agent = IPHONE if _dice(mail.recipient, "device") < 0.45 else CHROME
    hits = 0
    if mail.pixel:
        hits += client.visit(mail.pixel, GMAIL if _dice(mail.recipient, "proxy") < 0.4 else agent) < 400
    if mood < 0.10 + keenness / 2 and mail.links:
        hits += client.visit(mail.links[int(mood * 1000) % len(mail.links)], agent) < 400
    if mood > 0.39 + keenness and mail.unsubscribe:
        client.submit(mail.unsubscribe, **{"List-Unsubscribe": "One-Click"})
    return hits


def _dice(*words: str) -> float:
    """From 0 to 1, always the same for the same words."""
    return int.from_bytes(blake2b("|".join(words).encode(), digest_size=4).digest(), "big") / 2**32


def _html(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/html":
            payload = part.get_payload(decode=True)
            return payload.decode("utf-8") if isinstance(payload, bytes) else ""
    return ""
