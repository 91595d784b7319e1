"""The ledger: one row per campaign and subscriber, written before anything is sent, and the shards it is sent in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id, unchecked_key


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

    `reason` says why it was skipped, bounced or failed, `reply` what the relay said where it did not take the mail,
    `tried_at` when that was. `repeats` counts how often it may have gone out twice: the one doubt that SMTP leaves
    (RFC 1047). No index holds what changes while a campaign is sent: PostgreSQL then writes a row in its place (HOT).
    """

    __tablename__ = "delivery"
    # To have each of a million rows checked takes the database 15 seconds, and the one statement that writes them reads
    # the ids from the tables meant.
    __table_args__ = (
        unchecked_key("campaign_id", "campaign.id"),
        unchecked_key("subscriber_id", "subscriber.id"),
        Index(None, "subscriber_id"),
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 50}},
    )

    campaign_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    state: Mapped[DeliveryState] = mapped_column(Code(DeliveryState), default=DeliveryState.QUEUED)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    repeats: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    reply: Mapped[str | None] = mapped_column(Text)
    tried_at: Mapped[datetime | None]


class Shard(Base):
    """A stretch of a campaign's deliveries that one sender holds at a time; times are the database's (DESIGN 5.1).

    It holds the deliveries to subscribers from `first_id` to `last_id`; `size` is how many there were at the launch:
    what the books must add up to. `due_at` is when the next of them is to be tried, None at once. `touched_at` is when
    its ledger last moved, `trouble_since` when the relay began to turn it away. `accepted` and `refused` count
    what servers said for good: of too many refusals the campaign pauses (`brake.py`).
    """

    __tablename__ = "shard"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    first_id: Mapped[int]
    last_id: Mapped[int]
    owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    is_done: Mapped[bool] = mapped_column(default=False)
    size: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None]
    touched_at: Mapped[datetime | None]
    trouble_since: Mapped[datetime | None]
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
