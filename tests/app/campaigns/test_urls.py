"""Tracked addresses say whom and what, and nothing that was not signed here."""

import pytest

from app.campaigns.urls import ClickAddress, OpenAddress, TrackedUrls, read_address
from app.tokens import Purpose, Tokens

TOKENS = Tokens("k" * 64)
TARGET = "https://shop.example/tea/7?from=letter&x=%C3%BC"


def urls(campaign_id: int = 7, subscriber_id: int = 123456) -> TrackedUrls:
    return TrackedUrls(TOKENS, "", campaign_id, subscriber_id)


def test_an_address_is_read_as_it_was_written() -> None:
    assert read_address(TOKENS, urls().pixel) == OpenAddress(7, 123456)
    assert read_address(TOKENS, urls().link(11)) == ClickAddress(7, 123456, index=11)
    assert read_address(TOKENS, urls().prefix + urls().target(TARGET)) == ClickAddress(7, 123456, target=TARGET)
    long = "https://shop.example/" + "x" * 3000
    assert read_address(TOKENS, urls().prefix + urls().target(long)) == ClickAddress(7, 123456, target=long)


def test_a_target_is_the_same_for_everybody_and_for_one_campaign_only() -> None:
    """S6: what leads out of a mail can have stood in a mail of this campaign."""
    assert urls(7, 1).target(TARGET) == urls(7, 2).target(TARGET)
    assert read_address(TOKENS, urls(7).prefix + urls(8).target(TARGET)) is None


@pytest.mark.parametrize("link", ["", "x", "12345", "-1", "1a", "https:", "../1", "x" * 40, "1/2", "\u0661"])
def test_what_was_not_signed_leads_nowhere(link: str) -> None:
    """S6"""
    assert read_address(TOKENS, urls().prefix + link) is None


def test_a_token_of_another_purpose_is_no_target() -> None:
    for purpose in set(Purpose) - {Purpose.TARGET}:
        assert read_address(TOKENS, urls().prefix + TOKENS.sign(purpose, 7, text=TARGET)) is None
