"""The mails Letterbond itself writes."""

import re

import pytest
from jinja2 import UndefinedError

from app.mail_templates import system_mail

SENDER = {"name": "Käserei <Müller>", "imprint": "Käserei Müller GmbH\nAlpweg 3, 87541 Bad Hindelang"}
CONFIRM = {"email": "anna@example.org", "confirm_url": "https://e.de/c/abc?x=1&y=2", "topics": ["Neues"], "days": 14}


@pytest.mark.parametrize(
    ("locale", "word"), [("de-AT", "Bitte bestätigen"), ("en", "Please confirm"), ("fr", "Please")]
)
def test_the_confirmation_speaks_the_readers_language(locale: str, word: str) -> None:
    """L18"""
    for part in system_mail("confirm", locale, sender=SENDER, **CONFIRM):
        assert word in part


@pytest.mark.parametrize("locale", ["de", "en"])
def test_the_confirmation_has_the_imprint_and_no_tracking(locale: str) -> None:
    """L2, L7, L16: one link, no picture, no foreign host."""
    subject, html, text = system_mail("confirm", locale, sender=SENDER, **CONFIRM)
    assert "\n" not in subject
    assert "Alpweg 3" in html
    assert "Alpweg 3" in text
    assert set(re.findall(r'href="([^"]+)"', html)) == {"https://e.de/c/abc?x=1&amp;y=2"}
    assert "<img" not in html
    assert "url(" not in html
    assert CONFIRM["confirm_url"] in text


def test_what_people_typed_is_text() -> None:
    """S8"""
    subject, html, text = system_mail("test", "en", sender=SENDER, email="<b>@e.de")
    assert "<b>" not in html
    assert "Käserei &lt;Müller&gt;" in html
    assert subject == "Test message from Käserei <Müller>"
    assert "<b>@e.de" in text


def test_a_forgotten_value_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(UndefinedError):
        system_mail("confirm", "en", sender=SENDER, email="anna@example.org")
