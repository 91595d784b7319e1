"""A relay as SMTP_URL names it: where mail is handed over, and what the operator wants to be kept to there.

Not in charge of: sockets (`workers/smtp/`), and of other settings (`config.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import idna

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail is handed over: `security` is one of smtp, smtp+starttls, smtps.

    `connections` and `per_second` hold for all workers together, `weight` is its share among relays that have one,
    `domains` are the sender domains it serves (A-labels; none: all that no other relay names), and with
    `provider_limits` mails to each mailbox provider are held to what that provider takes.
    """

    security: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None
    connections: int | None = None
    per_second: float | None = None
    weight: int | None = None
    domains: tuple[str, ...] = ()
    provider_limits: bool = True

    @classmethod
    def from_url(cls, url: str) -> "Relay":
        """Read `smtp://user:password@host:port?connections=10`; raise ValueError if it is not one."""
        parts = urlsplit(url)
        port = parts.port
        if parts.scheme not in _PORTS or not parts.hostname:
            # Without its password: a wrong setting must not spill a secret into the log.
            shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
            raise ValueError(f"expected smtp://, smtp+starttls:// or smtps:// and a host, got {shown!r}")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("give both user and password, or neither")
        if parts.fragment:
            raise ValueError("`#` in a password is written %23")
        return cls(
            security=parts.scheme,
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            **_options(parts.query),
        )


def read_relays(value: str) -> tuple[Relay, ...]:
    """All relays of a setting, with blanks between them; raise ValueError naming the fault."""
    relays = tuple(Relay.from_url(url) for url in value.split())
    places = [(relay.host, relay.port, relay.username) for relay in relays]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice:
        raise ValueError(f"{twice[0]}:{twice[1]} is there twice")
    return relays


def _options(query: str) -> dict[str, Any]:
    """The query parameters of a relay's URL; what is misspelt would silently not hold."""
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS or name in options:
            known = ", ".join(_OPTIONS)
            raise ValueError(f"{name!r} is given twice or unknown; expected {known}")
        expected, read = _OPTIONS[name]
        try:
            options[name] = read(value)
        except ValueError as error:
            raise ValueError(f"{name} must be {expected}, got {value!r}") from error
    return options


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 10_000):
        raise ValueError(value)
    return int(value)


def _rate(value: str) -> float:
    rate = float(value)
    if not 0 < rate <= 1_000_000:
        raise ValueError(value)
    return rate


def _domains(value: str) -> tuple[str, ...]:
    domains = tuple(idna.encode(name, uts46=True).decode("ascii") for name in value.split(","))
    if not all("." in domain for domain in domains):
        raise ValueError(value)
    return domains


def _switch(value: str) -> bool:
    if value not in {"on", "off"}:
        raise ValueError(value)
    return value == "on"


_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "connections": ("a whole number from 1", _whole),
    "per_second": ("a number above 0", _rate),
    "weight": ("a whole number from 1", _whole),
    "domains": ("sender domains with commas between them", _domains),
    "provider_limits": ("on or off", _switch),
}
