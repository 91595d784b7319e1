"""The ledger: one row per campaign and subscriber, written before anything is sent, and the shards it is sent in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code


class DeliveryState(StrEnum):
    """The books: audience = the sum over these, at every instant."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Delivery(Base):
    """What became of one campaign for one person.

    `reason` says why it was skipped, bounced or failed, `reply` what the relay said where it did not take the mail.
    `repeats` counts how often it may have gone out twice: the one doubt that SMTP leaves (RFC 1047).
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_shard", "campaign_id", "shard", "state"),
        Index(
            "ix_delivery_deferred",
            "next_try_at",
            sqlite_where=text("state = 3"),
            postgresql_where=text("state = 3"),
        ),
        Index(None, "subscriber_id"),
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 70}},
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    shard: Mapped[int] = mapped_column(Integer)
    state: Mapped[DeliveryState] = mapped_column(Code(DeliveryState), default=DeliveryState.QUEUED)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    repeats: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    reply: Mapped[str | None] = mapped_column(Text)


class Shard(Base):
    """A stretch of a campaign's deliveries that one sender holds at a time; times are the database's (DESIGN 5.1).

    `size` is how many there were at the launch: what the books must add up to. `touched_at` is when its ledger last
    moved, `trouble_since` when the relay began to turn it away.
    """

    __tablename__ = "shard"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    is_done: Mapped[bool] = mapped_column(default=False)
    size: Mapped[int] = mapped_column(Integer, default=0)
    touched_at: Mapped[datetime | None]
    trouble_since: Mapped[datetime | None]
