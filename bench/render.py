"""One person's mail: compiled once, rendered, written as bytes; for the newsletter layout with four products."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from premailer import Premailer

from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.filters import FILTERS
from app.campaigns.layouts import Layout, find_layout
from app.campaigns.merge_tags import example_context
from app.campaigns.render import DirectUrls, Renderer
from app.campaigns.sandbox import INTERNAL
from app.mail import Message, bulk_headers, message_id, to_bytes
from bench.measure import Figure, seconds

_LAYOUT = "newsletter.de"


def figures() -> Iterator[Figure]:
    """Compile, render, write."""
    layout = find_layout(_LAYOUT)
    assert layout
    edition = compile_edition(layout.subject, layout.preheader, layout.html)
    renderer, context = Renderer(edition), _context(layout)
    urls = DirectUrls(edition.links, pixel="https://news.example/o/abc")
    message = _message(renderer, context, urls)
    page = message.html or ""
    yield Figure(
        "compile an edition",
        seconds(lambda: compile_edition(layout.subject, "", layout.html), 3),
        "premailer alone, for one person",
        seconds(lambda: _inline(page), 3),
    )
    yield Figure(
        "render a mail",
        seconds(lambda: renderer.render(context, urls), 200),
        "plain Jinja, no sandbox, no limits",
        seconds(_plain_jinja(edition, context, urls), 200),
    )
    yield Figure(
        "write its bytes",
        seconds(lambda: to_bytes(message), 200),
        "Python's email library",
        seconds(lambda: _standard_library(message), 50),
    )


def _context(layout: Layout) -> dict[str, Any]:
    products = [
        {"name": f"Tea no. {number}", "url": f"https://shop.example/{number}", "price": number} for number in range(4)
    ]
    return example_context() | {"tier": "Loyal", "language": layout.language, "products": products}


def _message(renderer: Renderer, context: dict[str, Any], urls: DirectUrls) -> Message:
    rendered = renderer.render(context, urls)
    return Message(
        sender_name="Teehaus Lindenhof",
        sender_address="post@shop.example",
        recipient="anna@example.org",
        envelope_sender="b+1@bounce.example",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to=None,
        message_id=message_id(1, 1, "shop.example"),
        date=datetime.now(UTC),
        headers=bulk_headers("https://news.example/u/abc", "news.example"),
    )


def _inline(page: str) -> None:
    Premailer(allow_network=False, disable_validation=True, cache_css_parsing=False).transform(page)


def _plain_jinja(edition: Edition, context: dict[str, Any], urls: DirectUrls) -> Callable[[], object]:
    environment = Environment(autoescape=True)
    environment.filters.update(FILTERS | INTERNAL)
    parts = [environment.from_string(part) for part in (edition.subject, edition.html, edition.text)]
    words = {"_link": urls.link, "_dynamic": str, "_address": str, "_pixel": Markup("")}
    return lambda: [part.render(context | words) for part in parts]


def _standard_library(message: Message) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = f"{message.sender_name} <{message.sender_address}>", message.recipient
    mail["Subject"] = message.subject
    for name, value in message.headers:
        mail[name] = value
    mail.set_content(message.text)
    mail.add_alternative(message.html or "", subtype="html")
    return mail.as_bytes()
