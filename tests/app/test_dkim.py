"""Signatures, judged by another's verifier."""

import base64
import hashlib
import re
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dkim import Key, Signer, dns_record
from app.mail import Message, bulk_headers, one_click_headers, to_bytes

DOMAIN, SELECTOR = "shop.example", "lb1"
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def verify(content: bytes, key: Key = RSA) -> bool:
    """What dkimpy says."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        return dns_record(key).encode() if name == f"{SELECTOR}._domainkey.{DOMAIN}.".encode() else None

    return bool(dkim.DKIM(content, minkey=1024, timeout=5).verify(dnsfunc=txt))


def mail(subject: str = "Grüße aus der Käserei", text: str = "Hallo  Welt \n\n.\n\n\n") -> bytes:
    return to_bytes(
        Message(
            sender_name="Käserei Müller",
            sender_address=f"post@{DOMAIN}",
            recipient="anna@example.org",
            envelope_sender=f"post@{DOMAIN}",
            subject=subject,
            html=f"<p>{text}</p>",
            text=text,
            reply_to=f"antwort@{DOMAIN}",
            message_id=f"<1.2@{DOMAIN}>",
            date=datetime(2026, 11, 26, tzinfo=UTC),
            headers=(
                *one_click_headers(f"https://{DOMAIN}/u/{'x' * 120}"),
                *bulk_headers(f"news.{DOMAIN}", "1:2:newsletter:shop-mail"),
            ),
        )
    )


def signed(content: bytes, key: Key = RSA) -> bytes:
    return Signer(DOMAIN, SELECTOR, key).header(content) + content


def test_dkimpy_accepts_the_signature() -> None:
    assert verify(signed(mail()))


def test_an_ed25519_signature_verifies() -> None:
    """RFC 8463; dkimpy reads the mail, and cryptography judges, for without NaCl dkimpy does not."""
    content = signed(mail(), ED25519)
    assert b"a=ed25519-sha256" in content
    record = dkim.util.parse_tag_value(dns_record(ED25519).encode())
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(record[b"p"]))
    message = dkim.DKIM(content)
    [field] = [each for each in message.headers if each[0].lower() == b"dkim-signature"]
    tags = dkim.util.parse_tag_value(field[1])
    policy = dkim.CanonicalizationPolicy.from_c_value(tags[b"c"])
    hashed = dkim.HashThrough(hashlib.sha256(), True)
    names = tags[b"h"].replace(b"\r\n ", b"").split(b":")
    dkim.hash_headers(hashed, policy, policy.canonicalize_headers(message.headers), names, field, tags)
    public.verify(base64.b64decode(re.sub(rb"\s", b"", tags[b"b"])), hashed.digest())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
        (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (b"Feedback-ID: 1", b"Feedback-ID: 2"),
        (b"Subject:", b"Subject: not"),
        (b"To: anna", b"To: bert"),
        (b"Hallo", b"Hello"),
        (b"\r\nTo:", b"\r\nFrom: evil@evil.example\r\nTo:"),
        (b"\r\nTo:", b"\r\nSubject: another\r\nTo:"),
        (b"\r\nTo:", b"\r\nCc: everybody@evil.example\r\nTo:"),
    ],
)
def test_what_is_changed_or_added_on_the_way_is_noticed(old: bytes, new: bytes) -> None:
    """RFC 8058 §4 for the List headers, RFC 6376 §8.15 for what is added."""
    content = signed(mail())
    assert old in content
    changed = content.replace(old, new, 1)
    try:
        is_valid = verify(changed)
    except dkim.DKIMException:
        is_valid = False
    assert not is_valid


def test_blanks_that_relays_change_do_not_break_it() -> None:
    content = signed(mail(text="one two three"))
    content = content.replace(b"one two", b"one  two").replace(b"\r\nTo: ", b"\r\nTO:   ") + b"\r\n\r\n"
    assert verify(content)


def test_every_line_is_folded() -> None:
    header = Signer(DOMAIN, SELECTOR, RSA).header(mail())
    assert header.endswith(b"\r\n")
    lines = header[:-2].split(b"\r\n")
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=200))
@settings(max_examples=25, deadline=None)
def test_any_subject_and_text_verifies(text: str) -> None:
    assert verify(signed(mail(subject=text, text=text)))


@given(st.text(st.sampled_from(" \t\r\n=.aä"), max_size=60))
@settings(max_examples=200, deadline=None)
def test_bodies_are_written_canonical(text: str) -> None:
    body = mail(text=text).partition(b"\r\n\r\n")[2]
    assert dkim.canonicalization.Relaxed.canonicalize_body(body) == body
