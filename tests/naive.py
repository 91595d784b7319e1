"""The way that needs no proof, and no speed: for each person fill in the marketer's source, inline its CSS, encode."""

from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from app.campaigns.address import encoded
from app.campaigns.allowed import parse
from app.campaigns.inline import Tree, inline, read_html, to_html
from app.campaigns.sandbox import HTML


def naive_html(source: str, context: Mapping[str, Any]) -> str:
    """What a person without tracking gets."""
    tree = read_html(HTML.from_string(parse(source)).render(context))
    inline(tree)
    _encode_links(tree)
    return to_html(tree)


def naive_bytes(subject: str, html: str, text: str, recipient: str, date: datetime) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "Teehaus <post@shop.example>", recipient, subject
    mail["Date"] = date
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail.as_bytes()


def _encode_links(tree: Tree) -> None:
    """The one thing that a mail has and a page needs not: addresses without blanks and umlauts."""
    for link in tree.iter("a", "area"):
        address = (link.get("href") or "").strip()
        if address.lower().startswith(("http://", "https://")):
            link.set("href", encoded(address))
