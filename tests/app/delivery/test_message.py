"""A finished mail, looked at as bytes: the same as the slow way makes it, and each person's own."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.models import Sender
from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.models import Campaign
from app.campaigns.part import RenderFailed
from app.campaigns.render import Renderer
from app.campaigns.urls import OpenAddress, person_urls, read_address
from app.delivery.message import Composer, Person
from app.dkim import Signer
from app.mail import BadHeader, Message, bulk_headers, message_id, one_click_headers, to_bytes
from app.subscribers.links import unsubscribe_url
from app.subscribers.models import TrackingMode
from app.tokens import Tokens
from bench.letters import letter_7k, letter_34k, person_values
from tests.corpora import naughty_strings

NOW = datetime(2026, 11, 21, 12, 0, 0, 987, tzinfo=UTC)
TOKENS = Tokens("k" * 64)
BASE = "https://news.shop.example"


def composer(edition: Edition, base_url: str = BASE, signer: Signer | None = None) -> Composer:
    campaign = Campaign(id=7, from_name=None, reply_to="antwort@käserei.de")
    sender = Sender(id=3, name="Käserei Müller", address="post@shop.example", reply_to=None)
    return Composer(campaign, sender, "news", edition, TOKENS, base_url, signer)


def person(number: int, mode: TrackingMode = TrackingMode.PERSONAL, **values: Any) -> Person:
    own = {
        "unsubscribe_url": unsubscribe_url(TOKENS, BASE, number, 0, 5, 7),
        "preferences_url": f"{BASE}/preferences/{'x' * 30}",
    }
    context = person_values(number) | own | values
    return Person(number, context["email"], mode, context)


@lru_cache(2)
def _renderer(edition: Edition) -> Renderer:
    return Renderer(edition)


def reference(edition: Edition, whom: Person) -> bytes:
    """The slow way: rendered as plain text, written by the serialiser of single mails."""
    urls = person_urls(TOKENS, BASE, 7, whom.subscriber_id, whom.tracking, edition.links)
    rendered = _renderer(edition).render(whom.context, urls)
    return to_bytes(
        Message(
            sender_name="Käserei Müller",
            sender_address="post@shop.example",
            recipient=whom.email,
            envelope_sender="post@shop.example",
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            reply_to="antwort@käserei.de",
            message_id=message_id(7, whom.subscriber_id, "shop.example"),
            date=NOW,
            headers=(
                *one_click_headers(str(whom.context["unsubscribe_url"])),
                *bulk_headers("news.shop.example", "7:3:newsletter:shopexample-mai"),
            ),
        )
    )


def read(content: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers and the words of both parts, as a mail program reads them."""
    parsed: Any = message_from_bytes(content, policy=policy.default)
    assert not parsed.defects
    assert not [part.defects for part in parsed.iter_parts() if part.defects]
    headers = sorted((name, value) for name, value in parsed.items() if name != "Content-Type")
    return headers, [part.get_content().replace("\r\n", "\n").rstrip("\n") for part in parsed.iter_parts()]


def fit_for_the_wire(content: bytes) -> None:
    """R17, R18"""
    assert content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content)
    head, _, body = content.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert b"\r\n." not in content


@pytest.mark.parametrize("letter", [letter_34k(), letter_7k()], ids=lambda letter: letter.name)
@pytest.mark.parametrize("mode", TrackingMode)
def test_a_mail_reads_like_one_made_the_slow_way(letter: Any, mode: TrackingMode) -> None:
    """R1, R19, R20"""
    edition = compile_edition(letter.subject, letter.preheader, letter.html)
    writer = composer(edition)
    for number in range(1, 9):
        whom = person(number, mode)
        mail = writer.mail(whom, NOW)
        assert (mail.key, mail.envelope_sender, mail.recipient) == (number, "post@shop.example", whom.email)
        assert read(mail.content) == read(reference(edition, whom))
        fit_for_the_wire(mail.content)


ODD = st.one_of(st.sampled_from(naughty_strings()), st.text(st.characters(exclude_categories=("Cs",)), max_size=300))


@settings(deadline=None)
@given(name=ODD, city=ODD)
def test_a_mail_reads_the_same_whatever_a_value_holds(name: str, city: str) -> None:
    """S3, R20, R21"""
    edition, writer = _odd()
    whom = person(1, first_name=name, attributes={"city": city})
    content = writer.mail(whom, NOW).content
    assert read(content) == read(reference(edition, whom))
    fit_for_the_wire(content)


@cache
def _odd() -> tuple[Edition, Composer]:
    html = '<p title="{{ attributes.city }}">{{ first_name }}</p><a href="https://e.de/{{ attributes.city }}">x</a>'
    edition = compile_edition("{{ first_name }}, {{ attributes.city }}", "{{ first_name }}", html)
    return edition, composer(edition)


def test_every_mail_holds_only_its_own_hash_name_and_tokens() -> None:
    """Q17, S19, in small"""
    letter = letter_7k()
    html = letter.html.replace("<h2>", "<p>[{{ attributes.hash }}]</p><h2>")
    writer = composer(compile_edition("{{ attributes.hash }}", letter.preheader, html))
    for number in range(1, 301):
        digest = blake2b(str(number).encode(), digest_size=16).hexdigest()
        name = f"Nr{number}"
        mail = writer.mail(person(number, first_name=name, attributes={"hash": digest, "city": name}), NOW)
        headers, (text, page) = read(mail.content)
        said = f"{headers} {text} {page}"
        assert set(re.findall(r"\b[0-9a-f]{32}\b", said)) == {digest}
        assert set(re.findall(r"\bNr\d+", said)) == {name}
        assert set(re.findall(r"reader\d+@", said)) == {f"reader{number}@"}
        assert set(_people(said)) == {number}


def _people(said: str) -> Iterator[int]:
    """Who is named by the tokens of a mail."""
    for path in re.findall(r"https://news\.shop\.example(/[oc]/[^\s\"'<>)]+)", said):
        address = read_address(TOKENS, path)
        assert address
        yield address.subscriber_id


def test_one_mail_that_cannot_be_made_leaves_nothing_in_the_next() -> None:
    """Q12, S19"""
    html = "<p>{{ first_name }}</p>\n<p>{{ 1 / score }}</p>"
    writer = composer(compile_edition("S", "", html))
    with pytest.raises(RenderFailed) as caught:
        writer.mail(person(1, first_name="Geheim", score=0), NOW)
    assert caught.value.line == 2
    with pytest.raises(BadHeader):
        writer.mail(Person(2, "a\r\nRCPT TO:<x@y.de>", TrackingMode.NONE, person(2).context), NOW)
    with pytest.raises(TypeError):
        writer.mail(person(3, first_name=object()), NOW)
    assert b"Geheim" not in writer.mail(person(4), NOW).content


def test_a_recipient_without_tracking_gets_the_links_as_written() -> None:
    """L8"""
    letter = letter_34k()
    edition = compile_edition(letter.subject, letter.preheader, letter.html)
    writer = composer(edition)
    _headers, (text, page) = read(writer.mail(person(1, TrackingMode.NONE), NOW).content)
    assert "/c/" not in text + page
    assert "/o/" not in text + page
    assert all(link in page for link in edition.links)
    _headers, (text, page) = read(writer.mail(person(1, TrackingMode.AGGREGATE), NOW).content)
    pixel = re.search(r"https://news\.shop\.example(/o/[^\"]+)", page)
    assert pixel
    assert read_address(TOKENS, pixel[1]) == OpenAddress(7, 0)


def test_the_signature_stands_in_front_of_what_it_signs() -> None:
    class Signing:
        def header(self, content: bytes) -> bytes:
            return b"DKIM-Signature: v=1; b=" + blake2b(content, digest_size=8).hexdigest().encode() + b"\r\n"

    edition = compile_edition("S", "", "<p>x</p>")
    plain = composer(edition).mail(person(1), NOW).content
    signed = composer(edition, signer=Signing()).mail(person(1), NOW).content
    assert signed == Signing().header(plain) + plain


@pytest.mark.parametrize("base_url", [BASE, "https://x.de", f"https://{'long.' * 20}example"])
def test_one_click_unsubscribe_is_raw_bytes(base_url: str) -> None:
    """R10"""
    edition = compile_edition("S", "", '<a href="{{ unsubscribe_url }}">x</a> <a href="https://e.de">y</a>')
    url = unsubscribe_url(TOKENS, base_url, 1, 0, 5, 7)
    content = composer(edition, base_url).mail(person(1, unsubscribe_url=url), NOW).content
    found = re.search(rb"^List-Unsubscribe: <(https://[^>\s]+)>\r\n", content, re.MULTILINE)
    assert found
    assert found[1].decode() == url
    assert content.count(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 1
    fit_for_the_wire(re.sub(rb"List-Unsubscribe: .*\r\n", b"", content))


def test_a_plain_http_installation_offers_no_button() -> None:
    """RFC 8058 §3.1"""
    edition = compile_edition("S", "", "<p>x</p>")
    content = composer(edition).mail(person(1, unsubscribe_url="http://localhost:8000/u/abc"), NOW).content
    assert b"List-Unsubscribe" not in content
    assert b"\r\nList-Id: <news.shop.example>\r\n" in content


def test_values_that_no_mail_uses_are_no_danger_either() -> None:
    """S1"""
    values: Mapping[str, Any] = {**person(1).context, "unused": EmailMessage()}
    with pytest.raises(TypeError):
        composer(compile_edition("S", "", "<p>x</p>")).mail(Person(1, "a@b.de", TrackingMode.NONE, values), NOW)
