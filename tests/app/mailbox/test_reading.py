"""Mails taken apart."""

import random

import pytest

from app.mailbox.reading import Link, links, parse

MAIL = b"\r\n".join(
    [
        b"From: =?utf-8?q?K=C3=A4serei?= <post@shop.example>",
        b"Subject: Hello",
        b"Content-Type: multipart/alternative; boundary=x",
        b"",
        b"--x",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable",
        b"",
        b"K=C3=A4se",
        b"--x",
        b"Content-Type: text/html; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable",
        b"",
        b'<p><a href=3D"https://shop.example/c/1">To the <b>shop</b></a></p>',
        b"--x--",
    ]
)


def test_headers_text_html_and_links_are_found() -> None:
    parsed = parse(MAIL)
    assert parsed.headers[:2] == (("From", "Käserei <post@shop.example>"), ("Subject", "Hello"))
    assert parsed.text == "Käse"
    assert "<b>shop</b>" in parsed.html
    assert parsed.links == (Link("https://shop.example/c/1", "To the shop"),)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ()),
        ("<!---->", ()),
        ("no html", ()),
        ('<a name="x">no link</a>', ()),
        ('<a href="https://a"><img src="p" alt="A picture"></a>', (Link("https://a", "A picture"),)),
        ('<a href="/x">one</a><a href="/x">two</a>', (Link("/x", "one"), Link("/x", "two"))),
        ('<?xml version="1.0" encoding="utf-8"?><a href="/x">one</a>', ()),
    ],
)
def test_links_are_listed_in_order(html: str, expected: tuple[Link, ...]) -> None:
    assert links(html) == expected


def test_no_bytes_make_it_raise() -> None:
    """Q18: a thousand mutations of a mail."""
    chance = random.Random(7)
    for _ in range(1000):
        broken = bytearray(MAIL)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        parse(bytes(broken))
