"""What leaves the house, looked at as bytes."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail import (
    BadHeader,
    Message,
    bulk_headers,
    message_id,
    one_click_headers,
    system_headers,
    to_bytes,
    wire_address,
)
from tests.corpora import naughty_strings

MESSAGE = Message(
    sender_name="Käserei Müller",
    sender_address="post@käserei.de",
    recipient="anna@example.org",
    envelope_sender="b+1@bounce.example.org",
    subject="Grüße aus dem Allgäu",
    html="<p>Schöne Grüße</p>\n",
    text="Schöne Grüße\n",
    reply_to="antwort@example.org",
    message_id=message_id(7, 42, "example.org"),
    date=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    headers=(
        *one_click_headers("https://example.org/u/abc"),
        *bulk_headers("news.example.org", "7:1:news:letterbond"),
    ),
)

PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200)


def header_block(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[0] + b"\r\n"


def header(content: bytes, name: str) -> str:
    """Decoded by Python's oldest parser, which is not the one that wrote it."""
    value = message_from_bytes(content)[name]
    return str(make_header(decode_header(re.sub(r"\r?\n(?=[ \t])", "", value))))


def test_a_mail_carries_each_required_header_once() -> None:
    """R1"""
    parsed = message_from_bytes(to_bytes(MESSAGE), policy=policy.default)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"):
        assert len(parsed.get_all(name)) == 1
    assert parsed["From"].addresses[0].display_name == "Käserei Müller"
    assert parsed["From"].addresses[0].addr_spec == "post@xn--kserei-bua.de"
    assert parsed["Subject"] == "Grüße aus dem Allgäu"
    assert parsed["Date"].datetime == MESSAGE.date
    assert parsed["Reply-To"] == "antwort@example.org"


def test_text_comes_before_html_and_both_say_what_was_meant() -> None:
    """R19"""
    parsed = message_from_bytes(to_bytes(MESSAGE), policy=policy.default)
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in parsed.iter_parts()] == ["Schöne Grüße", "<p>Schöne Grüße</p>"]


def test_a_mail_without_html_is_plain_text() -> None:
    parsed = message_from_bytes(to_bytes(replace(MESSAGE, html=None)), policy=policy.default)
    assert parsed.get_content_type() == "text/plain"
    assert parsed.get_content().strip() == "Schöne Grüße"


@pytest.mark.parametrize("length", [20, 60, 76, 120, 250])
@pytest.mark.parametrize("mailto", [None, "u+abc@bounce.example.org"])
def test_one_click_unsubscribe_is_raw_at_every_length(length: int, mailto: str | None) -> None:
    """R10"""
    url = "https://e.de/u/".ljust(length, "x")
    headers = (*one_click_headers(url, mailto), *bulk_headers("news.example.org"))
    block = header_block(to_bytes(replace(MESSAGE, headers=headers)))
    found = re.search(rb"^List-Unsubscribe: <(https://[^>\s]+)>(,\r\n <mailto:[^>]+>)?\r\n", block, re.MULTILINE)
    assert found
    assert found[1].decode() == url
    assert bool(found[2]) == bool(mailto)
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in block
    assert b"\r\nList-Id: <news.example.org>\r\n" in block


def test_a_plain_http_address_offers_no_button() -> None:
    """R10: RFC 8058 §3.1"""
    assert one_click_headers("http://e.de/u") == ()


@pytest.mark.parametrize(
    "url",
    ["http://e.de/u", "https://e.de/a b", "https://e.de/\r\nBcc: x@y.de", "https://straße.de/u", "https://e.de/>"],
)
def test_an_unsubscribe_address_that_would_not_work_is_refused(url: str) -> None:
    """R10, R21"""
    with pytest.raises(BadHeader):
        to_bytes(replace(MESSAGE, headers=(("List-Unsubscribe", f"<{url}>"),)))


@given(text=st.text(max_size=3000), subject=PRINTABLE, name=PRINTABLE)
def test_no_line_is_too_long_and_nothing_but_ascii_goes_out(text: str, subject: str, name: str) -> None:
    """R17, R18"""
    text = text.encode("utf-8", "replace").decode()
    content = to_bytes(replace(MESSAGE, text=text, html=f"<p>{text}</p>", subject=subject, sender_name=name))
    assert content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert not re.search(rb"(?m)^\.\r$", content)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    block = header_block(content)
    assert max(map(len, block.split(b"\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", block))
    assert not re.search(rb"(?m)^\s+\r$", block)


@given(subject=PRINTABLE, name=PRINTABLE)
def test_names_and_subjects_come_back_as_written(subject: str, name: str) -> None:
    """R20"""
    content = to_bytes(replace(MESSAGE, subject=subject, sender_name=name))
    assert header(content, "Subject") == subject.strip()
    assert header(content, "From").rpartition("<")[0].strip(' "').replace('\\"', '"').replace("\\\\", "\\") == (
        name.strip().strip(' "') if name.strip() else ""
    )


@given(text=st.text(max_size=2000))
def test_bodies_come_back_as_written(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    parsed = message_from_bytes(to_bytes(replace(MESSAGE, html=None, text=text)))
    body = parsed.get_payload(decode=True).decode()
    assert body == "\r\n".join(re.split(r"\r\n|\r|\n", text)) + "\r\n"


@pytest.mark.parametrize("poison", ["\r", "\n", "\r\nBcc: x@y.de", "\0", "\u2028", "\u2029", "\x85", "\x0b", "\ud800"])
@pytest.mark.parametrize("field", ["sender_name", "sender_address", "recipient", "subject", "reply_to", "message_id"])
def test_no_field_can_begin_a_second_header(field: str, poison: str) -> None:
    """R21"""
    whole = getattr(MESSAGE, field)
    with pytest.raises(BadHeader):
        to_bytes(replace(MESSAGE, **{field: whole[:2] + poison + whole[2:]}))


def test_no_extra_header_can_begin_a_second_one() -> None:
    """R21"""
    for name in ("Feedback-ID", "List-Id", "List-Unsubscribe"):
        with pytest.raises(BadHeader):
            to_bytes(replace(MESSAGE, headers=((name, "<https://a.de/x>\r\nBcc: x@y.de"),)))


def test_a_percent_encoded_line_break_stays_what_it_is() -> None:
    """R21"""
    assert b"Subject: a%0aBcc: x@y.de\r\n" in to_bytes(replace(MESSAGE, subject="a%0aBcc: x@y.de"))


@pytest.mark.parametrize("string", naughty_strings(), ids=lambda string: f"{len(string)} characters")
def test_a_naughty_subject_is_refused_or_stays_one_header(string: str) -> None:
    """R20, R21"""
    try:
        content = to_bytes(replace(MESSAGE, subject=string, sender_name=string))
    except BadHeader:
        assert re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", string)
        return
    assert header(content, "Subject") == string.strip()
    assert message_from_bytes(content)["Bcc"] is None


def test_two_owners_of_two_domains_stay_two() -> None:
    """R22"""
    assert wire_address("kunde@straße.de") == "kunde@xn--strae-oqa.de"
    assert wire_address("kunde@strasse.de") == "kunde@strasse.de"
    assert wire_address("Kunde@EXAMPLE.org") == "Kunde@example.org"


@pytest.mark.parametrize(
    "address",
    ["", "anna", "@b.de", "anna@", "an na@b.de", "<anna@b.de>", "müller@b.de", "a@b.de>", "a@b..de", "a@-b.de"],
)
def test_an_address_that_cannot_be_reached_is_refused(address: str) -> None:
    """R22, S20"""
    with pytest.raises(BadHeader):
        wire_address(address)


def test_the_message_id_recognises_a_mail_sent_twice() -> None:
    assert message_id(7, 42, "straße.de") == message_id(7, 42, "straße.de") == "<7.42@xn--strae-oqa.de>"
    assert message_id(7, 42, "e.de") != message_id(74, 2, "e.de")


def test_our_own_mails_ask_robots_not_to_answer() -> None:
    """R15"""
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in to_bytes(replace(MESSAGE, headers=system_headers()))


def test_bulk_headers_name_the_campaign_for_complaints() -> None:
    """R7, R15"""
    block = header_block(to_bytes(MESSAGE))
    assert b"\r\nFeedback-ID: 7:1:news:letterbond\r\n" in block
    assert b"\r\nPrecedence: bulk\r\n" in block
    assert "Feedback-ID" not in dict(bulk_headers("l.e.de"))
