"""Segments, and who was in them when."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id

# `left_at` of a membership that lasts: sorts after every real time and keeps the column NOT NULL.
LASTS = datetime(9999, 12, 31, tzinfo=UTC)


class Segment(Base):
    """A named rule; `rule` is the JSON that `segments.rule.parse` reads."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    rule: Mapped[dict[str, Any]]
    size: Mapped[int | None]
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class Membership(Base):
    """Somebody was in a segment from `joined_at` until before `left_at` (LASTS while she is)."""

    __tablename__ = "membership"
    __table_args__ = (Index(None, "subscriber_id", "segment_id"), {"sqlite_with_rowid": False})

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    left_at: Mapped[datetime] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    joined_at: Mapped[datetime]
