"""The spine: what happened, to whom, when. Append-only; all scores, counts and reports are rebuilt from it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Index, SmallInteger, String, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id, unchecked_key


class Verdict(StrEnum):
    """Who caused a hit: a reader, or a machine on the way to one."""

    HUMAN = "human"
    PROXY = "proxy"
    PREFETCH = "prefetch"
    SCANNER = "scanner"
    UNKNOWN = "unknown"

    @property
    def is_reader(self) -> bool:
        """A proxy fetches for a person who reads; prefetches and scanners come whether she reads or not."""
        return self is Verdict.HUMAN or self is Verdict.PROXY


# The numbers that verdicts are kept as, and those of readers.
PLACES = {verdict: place for place, verdict in enumerate(Verdict)}
READERS = frozenset(place for verdict, place in PLACES.items() if verdict.is_reader)


# Codes below are of subscriptions and of mails that did not arrive; of opens, clicks and orders there are many more.
_RARE = "kind < 20"
# To be said with such a kind and a campaign: the database then reads `ix_event_left`.
# No Boolean: SQLite has none, and "(…) = 1" would keep it from using the index.
IS_RARE: ColumnElement[Any] = literal_column(f"event.{_RARE}")


class Event(Base):
    """Something that happened to a subscriber. `kind` is an `EventKind.code`; `value` is what its `measure` says."""

    __tablename__ = "event"
    __table_args__ = (
        # Checked by the database, events took twice as long to write. Those who record hold the people they are about,
        # or change their rows first, and so do those who remove people.
        unchecked_key("subscriber_id", "subscriber.id"),
        # Whole, so that sums over all events of everybody, and rules about campaigns and links, read nothing but this
        # index: six times as fast.
        Index("ix_event_whole", "subscriber_id", "kind", "occurred_at", "verdict", "value", "campaign_id", "link"),
        # Who left by a campaign: few, of the many events that there are.
        Index(
            "ix_event_left",
            "campaign_id",
            "kind",
            "subscriber_id",
            sqlite_where=text(f"{_RARE} AND campaign_id IS NOT NULL"),
            postgresql_where=text(f"{_RARE} AND campaign_id IS NOT NULL"),
        ),
        # The key makes recording twice harmless; most kinds need none.
        Index(
            "uq_event_key",
            "key",
            unique=True,
            sqlite_where=text("key IS NOT NULL"),
            postgresql_where=text("key IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    subscriber_id: Mapped[int] = mapped_column(Id)
    occurred_at: Mapped[datetime]
    campaign_id: Mapped[int | None]
    link: Mapped[int | None] = mapped_column(SmallInteger)
    value: Mapped[int | None]
    verdict: Mapped[Verdict | None] = mapped_column(Code(Verdict))
    key: Mapped[str | None] = mapped_column(String(80))
    data: Mapped[dict[str, Any] | None]


class SpoolOffset(Base):
    """How far a spool file of waiting hits has been ingested, in bytes; written with the events it stands for."""

    __tablename__ = "spool_offset"

    file: Mapped[str] = mapped_column(String(200), primary_key=True)
    offset: Mapped[int]
