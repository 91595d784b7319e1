"""Who runs this installation: the organisation, its sender identities and their keys, API keys. Not its `users`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id


class Organisation(Base):
    """The one organisation of this installation; row 1."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(8))
    time_zone: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    undo_seconds: Mapped[int] = mapped_column(Integer, default=60)
    # Nobody is sent more than so many campaigns in so many days; without both there is no such limit.
    cap_campaigns: Mapped[int | None] = mapped_column(SmallInteger)
    cap_days: Mapped[int | None] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]


class Sender(Base):
    """A sender identity: the brand that mail comes from, with its imprint (TRUST L7)."""

    __tablename__ = "sender"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(320))
    reply_to: Mapped[str | None] = mapped_column(String(320))
    imprint: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]

    @property
    def domain(self) -> str:
        """The host of Message-ID and List-Id."""
        return self.address.rpartition("@")[2]


class KeyState(StrEnum):
    """Where a signing key is."""

    WAITING = "waiting"  # until its record is published
    ACTIVE = "active"  # mails are signed with it
    RETIRED = "retired"  # its record must stay until the last mail signed with it is read


class SigningKey(Base):
    """A DKIM key of a sender domain; the private half is encrypted with a key outside the database (TRUST S18)."""

    __tablename__ = "signing_key"
    __table_args__ = (
        UniqueConstraint("domain", "selector"),
        # Position 1 of KeyState: a domain signs with one key.
        Index(
            "ix_signing_key_active",
            "domain",
            unique=True,
            sqlite_where=text("state = 1"),
            postgresql_where=text("state = 1"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    selector: Mapped[str] = mapped_column(String(63))
    private_key: Mapped[str] = mapped_column(Text)
    record: Mapped[str] = mapped_column(Text)
    state: Mapped[KeyState] = mapped_column(Code(KeyState), default=KeyState.WAITING)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    @property
    def host(self) -> str:
        """The name under which the record is published."""
        return f"{self.selector}._domainkey.{self.domain}"


class ApiKey(Base):
    """A key for `/api/v1`, stored hashed and shown once (TRUST S17)."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(String(12))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
