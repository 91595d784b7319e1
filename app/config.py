"""One frozen Config from the environment.

In charge of: reading the settings, filling in embedded defaults, and failing loudly with a sentence that names the
wrong one. Not of: starting the embedded servers (`workers/supervisor.py` does, and passes their addresses on by the
same variables). The table in `docs/settings.md` is held to `SETTINGS` by a test.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.relay import Relay, read_relays

SETTINGS = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "SECRET_KEY", "BASE_URL", "PORT", "LETTERBOND_HOME")


class ConfigError(Exception):
    """A setting is wrong; the message begins with its name."""


@dataclass(frozen=True, slots=True)
class Config:
    """All that differs between two installations."""

    home: Path
    database_url: str
    redis_url: str
    relays: tuple[Relay, ...]
    secret_key: str
    base_url: str
    port: int
    embedded_queue: bool = False
    embedded_mailbox: bool = False

    @property
    def spool(self) -> Path:
        """Where opens and clicks wait until they are ingested."""
        return self.home / "spool"

    @property
    def links(self) -> Path:
        """Where the link targets of campaigns lie for when the database is away; may be lost at any time."""
        return self.home / "links"

    @property
    def journal(self) -> Path:
        """Where senders note each final reply before the ledger has it."""
        return self.home / "journal"

    @property
    def uploads(self) -> Path:
        """Where import files lie until they are read."""
        return self.home / "uploads"

    @property
    def mailbox(self) -> Path:
        """What the built-in mailbox caught."""
        return self.home / "mailbox.db"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Read SETTINGS; raise ConfigError naming the first wrong one."""
        given = {name: environment.get(name, "").strip() for name in SETTINGS}
        home = _home(given["LETTERBOND_HOME"] or "var")
        port = _port(given["PORT"] or "8000")
        return cls(
            home=home,
            database_url=_database_url(given["DATABASE_URL"], home),
            redis_url=_redis_url(given["REDIS_URL"], home),
            relays=_relays(given["SMTP_URL"] or "smtp://127.0.0.1:2525"),
            secret_key=_secret_key(given["SECRET_KEY"], home),
            base_url=_base_url(given["BASE_URL"] or f"http://127.0.0.1:{port}"),
            port=port,
            embedded_queue=not given["REDIS_URL"],
            embedded_mailbox=not given["SMTP_URL"],
        )


def _split(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    return parts


def _relays(value: str) -> tuple[Relay, ...]:
    try:
        return read_relays(value)
    except ValueError as error:
        raise ConfigError(f"SMTP_URL: {error}") from error


def _masked(parts: SplitResult) -> str:
    """The URL without its password: a wrong setting must not spill a secret into the log."""
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _home(value: str) -> Path:
    home = Path(value).expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"LETTERBOND_HOME: cannot create {home}: {error.strerror}") from error
    if not os.access(home, os.W_OK):
        raise ConfigError(f"LETTERBOND_HOME: {home} is not writable")
    return home


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65535:
        raise ConfigError(f"PORT: expected a number from 1 to 65535, got {value!r}")
    return int(value)


def _database_url(value: str, home: Path) -> str:
    if not value:
        return f"sqlite:///{home / 'letterbond.db'}"
    parts = _split("DATABASE_URL", value)
    if parts.scheme in {"postgres", "postgresql"}:
        return "postgresql+psycopg" + value.removeprefix(parts.scheme)
    if parts.scheme not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigError(f"DATABASE_URL: expected sqlite:/// or postgresql://, got {_masked(parts)!r}")
    return value


def _redis_url(value: str, home: Path) -> str:
    if not value:
        return f"unix://{home / 'valkey.sock'}"
    parts = _split("REDIS_URL", value)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ConfigError(f"REDIS_URL: expected redis://, rediss:// or unix://, got {_masked(parts)!r}")
    return value


def _base_url(value: str) -> str:
    parts = _split("BASE_URL", value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"BASE_URL: expected http(s)://host without query, got {value!r}")
    return value.rstrip("/")


def _secret_key(value: str, home: Path) -> str:
    if value:
        if len(value) < 32:
            raise ConfigError("SECRET_KEY: at least 32 characters, for example from `openssl rand -hex 32`")
        return value
    file = home / "secret_key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as stream:
        key = secrets.token_hex(32)
        stream.write(key)
    return key
