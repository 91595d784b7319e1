"""What counts as one address, and what as none."""

import json
from pathlib import Path

import pytest
from apiflask import APIFlask

from app.errors import Invalid
from app.subscribers.addresses import parse_address

NAUGHTY = json.loads((Path(__file__).parents[2] / "data/naughty-strings/blns.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("typed", "email", "key"),
    [
        ("Anna@Example.ORG", "Anna@example.org", "anna@example.org"),
        ("  anna@example.org\n", "anna@example.org", "anna@example.org"),
        ("a.n.n.a+shop@example.org", "a.n.n.a+shop@example.org", "a.n.n.a+shop@example.org"),
        ("kunde@straße.de", "kunde@xn--strae-oqa.de", "kunde@xn--strae-oqa.de"),
        ("kunde@STRASSE.de", "kunde@strasse.de", "kunde@strasse.de"),
        ("kunde@Käse.example", "kunde@xn--kse-qla.example", "kunde@xn--kse-qla.example"),
    ],
)
def test_an_address_is_mailed_as_typed_with_a_labels_and_compared_without_case(
    app: APIFlask, typed: str, email: str, key: str
) -> None:
    """TRUST R22, R23: straße.de is not strasse.de; tags and dots stay."""
    address = parse_address(typed)
    assert (address.email, address.key) == (email, key)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna",
        "anna@",
        "@example.org",
        "anna@localhost",
        '"anna b"@example.org',
        "anna@[192.0.2.1]",
        "anna\r\nBcc: all@example.org",
        "anna\x00@example.org",
        "anna@example.org, bert@example.org",
        "Anna <anna@example.org>",
        "jörg@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 63 + ".org",
        "anna\u2028b@example.org",
    ],
)
def test_what_cannot_be_reached_is_refused_with_a_sentence(app: APIFlask, typed: str) -> None:
    """TRUST R21, R22, R23."""
    with pytest.raises(Invalid) as refused:
        parse_address(typed)
    assert refused.value.places["email"].endswith(".")


def test_letters_outside_ascii_before_the_at_are_explained(app: APIFlask) -> None:
    """TRUST R22: said at sign-up, not by a bounce later."""
    with pytest.raises(Invalid, match="before the @"):
        parse_address("jörg@example.org")


def test_no_naughty_string_is_taken_for_an_address(app: APIFlask) -> None:
    """TRUST R23: 500 strings that broke somebody's software."""
    for each in NAUGHTY:
        with pytest.raises(Invalid):
            parse_address(each)
