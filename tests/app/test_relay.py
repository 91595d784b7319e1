"""SMTP_URL: several relays, their parameters, and a loud word for each that is wrong."""

from pathlib import Path

import pytest

from app.config import Config, ConfigError
from app.relay import Relay


def relays(value: str, home: Path) -> tuple[Relay, ...]:
    return Config.from_environment({"SMTP_URL": value, "LETTERBOND_HOME": str(home)}).relays


def test_relays_are_read_with_all_that_is_to_be_kept_to(tmp_path: Path) -> None:
    first = "smtp+starttls://user:p%40ss@mx.example?connections=10&per_second=14.5&provider_limits=off"
    second = "smtps://other.example?weight=3&domains=Käserei.example,shop.example"
    assert relays(f"{first}  {second}", tmp_path) == (
        Relay(
            "smtp+starttls", "mx.example", 587, "user", "p@ss", connections=10, per_second=14.5, provider_limits=False
        ),
        Relay("smtps", "other.example", 465, weight=3, domains=("xn--kserei-bua.example", "shop.example")),
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?connections=0", "connections must be a whole number from 1, got '0'"),
        ("?connections=ten", "connections must be"),
        ("?connections=²", "connections must be"),
        ("?per_second=-1", "per_second must be a number above 0"),
        ("?per_second=nan", "per_second must be a number above 0"),
        ("?weight=", "weight must be"),
        ("?domains=shop", "domains must be sender domains"),
        ("?domains=", "domains must be sender domains"),
        ("?provider_limits=yes", "provider_limits must be on or off"),
        ("?conections=5", "'conections' is given twice or unknown; expected connections, per_second, weight"),
        ("?weight=1&weight=2", "'weight' is given twice"),
        ("#secret", "written %23"),
        (":99999", "port"),
        (":1 smtp://mx.example:1", "mx.example:1 is there twice"),
        (" localhost:25", "expected smtp://"),
    ],
)
def test_a_wrong_relay_is_one_sentence_that_names_the_fault(query: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        relays(f"smtp://mx.example{query}", tmp_path)
    assert str(caught.value).startswith("SMTP_URL: ")
    assert said.lower() in str(caught.value).lower()


def test_a_wrong_relay_spills_no_password(tmp_path: Path) -> None:
    """S8."""
    with pytest.raises(ConfigError) as caught:
        relays("http://user:hunter2@mx.example", tmp_path)
    assert "hunter2" not in str(caught.value)
