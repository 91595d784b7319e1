"""One person's mail, stage by stage, in CPU time; at the end beside the naive way: render, inline, encode for each.

Two letters (`letters.py`), each for 500 people with tracked links. Only the stage `values` needs a database.
"""

import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from quopri import encodestring
from typing import Any

from itsdangerous import URLSafeSerializer
from jinja2 import Environment, Template
from premailer import Premailer

from app.accounts.models import Sender
from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.encode import Encoder
from app.campaigns.filters import FILTERS
from app.campaigns.layouts import Layout
from app.campaigns.merge_context import Person
from app.campaigns.models import Campaign
from app.campaigns.urls import TrackedUrls
from app.db import utc_now
from app.delivery.message import Composer
from app.mail import Frame, Head, bulk_headers, message_id, one_click_headers
from app.subscribers.links import preferences_url, unsubscribe_url
from app.subscribers.models import TrackingMode
from app.tokens import Tokens
from bench.letters import letter_7k, letter_34k, person_values
from bench.measure import Figure, cpu_seconds
from bench.readers import BASE, PEOPLE, reading_readers

_TOKENS = Tokens("k" * 64)
_NOW = utc_now()


def figures() -> Iterator[Figure]:
    """Every stage of both letters."""
    for letter in (letter_34k(), letter_7k()):
        edition = compile_edition(letter.subject, letter.preheader, letter.html)
        with tempfile.TemporaryDirectory() as folder:
            values, one_by_one = reading_readers(Path(folder), letter)
        yield Figure(f"{letter.name}: values", values, "the ORM, person by person", one_by_one)
        yield from _stages(letter, edition)
        yield _total(letter, edition)


def _stages(letter: Layout, edition: Edition) -> Iterator[Figure]:
    people, encoder, frame = _people(), Encoder(edition), _frame()
    serializer, templates = URLSafeSerializer("k" * 64), _templates(edition.subject, letter.html, edition.text)
    urls = [_urls(person.subscriber_id) for person in people]
    parts = [encoder.render(person.context, own) for person, own in zip(people, urls, strict=True)]
    yield Figure(
        f"{letter.name}: tokens",
        cpu_seconds(lambda at: (_urls(at).pixel, *_own_links(at).values()), PEOPLE),
        "itsdangerous, one for each link",
        cpu_seconds(lambda at: [serializer.dumps([7, at, link]) for link in range(len(edition.links) + 3)], 100),
    )
    yield Figure(
        f"{letter.name}: render and encode",
        cpu_seconds(lambda at: encoder.render(people[at].context, urls[at]), PEOPLE),
        "Jinja without limits, then quopri",
        cpu_seconds(lambda at: [encodestring(part.encode()) for part in _filled(templates, people[at])], 50),
    )
    yield Figure(
        f"{letter.name}: headers and lines",
        cpu_seconds(lambda at: frame.filled(_head(people[at]), parts[at].text, parts[at].html), PEOPLE),
        "EmailMessage, of finished parts",
        cpu_seconds(lambda at: _standard(people[at], ["Subject", letter.html, edition.text]), 20),
    )


def _total(letter: Layout, edition: Edition) -> Figure:
    people, writer = _people(), _composer(edition)
    templates = _templates(letter.subject, letter.html, edition.text)

    def naive(at: int) -> bytes:
        subject, html, text = _filled(templates, people[at])
        return _standard(people[at], [subject, _inlined(html), text])

    return Figure(
        f"{letter.name}: total, {len(writer.mail(people[1], _NOW).content):,} bytes",
        cpu_seconds(lambda at: writer.mail(people[at], _NOW), PEOPLE),
        "render, premailer, EmailMessage for each",
        cpu_seconds(naive, 5),
    )


def _people() -> list[Person]:
    values = [person_values(number) | _own_links(number) for number in range(PEOPLE)]
    return [Person(number, each["email"], TrackingMode.PERSONAL, each) for number, each in enumerate(values)]


def _own_links(number: int) -> dict[str, str]:
    unsubscribe = unsubscribe_url(_TOKENS, BASE, number, 0, 5, 7)
    return {"unsubscribe_url": unsubscribe, "preferences_url": preferences_url(_TOKENS, BASE, number, 0)}


def _urls(number: int) -> TrackedUrls:
    return TrackedUrls(_TOKENS, BASE, 7, number)


def _composer(edition: Edition) -> Composer:
    sender = Sender(id=1, name="Teehaus Lindenhof", address="post@shop.example", reply_to=None)
    return Composer(Campaign(id=7, from_name=None, reply_to=None), sender, "news", edition, _TOKENS, BASE)


def _frame() -> Frame:
    return Frame("Teehaus Lindenhof", "post@shop.example", None, bulk_headers("news.shop.example", "7:1:news:shop"))


def _head(person: Person) -> Head:
    own = one_click_headers(person.context["unsubscribe_url"])
    return Head(person.email, "A subject", _NOW, message_id(7, person.subscriber_id, "shop.example"), own)


def _templates(*sources: str) -> list[Template]:
    environment = Environment(autoescape=True)
    environment.filters.update(FILTERS | {"_dynamic": str, "_beside": lambda address, _said="": f" ({address})"})
    environment.globals["_link"] = lambda index: f"{BASE}/c/{index}"
    return [environment.from_string(source) for source in sources]


def _filled(templates: list[Template], person: Person) -> list[str]:
    return [template.render(person.context) for template in templates]


def _inlined(page: str) -> Any:
    return Premailer(page, allow_network=False, disable_validation=True, cache_css_parsing=False).transform()


def _standard(person: Person, parts: list[str]) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "Teehaus <post@shop.example>", person.email, parts[0]
    for name, value in one_click_headers(person.context["unsubscribe_url"]):
        mail[name] = value
    mail.set_content(parts[2])
    mail.add_alternative(parts[1], subtype="html")
    return mail.as_bytes()
