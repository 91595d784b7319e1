"""Segments, and who was in them when."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id

# `left_at` of a membership that lasts: sorts after every real time and keeps the column NOT NULL.
LASTS = datetime(9999, 12, 31, tzinfo=UTC)


class Segment(Base):
    """A named rule; `rule` is the JSON that `segments.rule.parse` reads. `size` is of the time `refreshed_at`."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    rule: Mapped[dict[str, Any]]
    # Its place among the marks; None before the first refresh and after the last one (archived).
    slot: Mapped[int | None] = mapped_column(SmallInteger, unique=True)
    size: Mapped[int | None]
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class Membership(Base):
    """Somebody was in a segment from `joined_at` until before `left_at` (LASTS while she is)."""

    __tablename__ = "membership"
    __table_args__ = (
        # Whole, so that who was where at the time of an event is read from it alone.
        Index("ix_membership_whole", "subscriber_id", "segment_id", "joined_at", "left_at"),
        # Derived rows go when their person does (undoing an import).
        {"sqlite_with_rowid": False, "info": {"derived": True}},
    )

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    left_at: Mapped[datetime] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    joined_at: Mapped[datetime]


class SegmentVersion(Base):
    """What a segment's rule was, from `since` until the next version; the last one is the rule in force."""

    __tablename__ = "segment_version"

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    rule: Mapped[dict[str, Any]]
    since: Mapped[datetime]


class Backfill(Base):
    """The order to work out who would have been in a segment by a version of its rule, every `step_days` from the
    morning of `first_day` (the organisation's, as that instant) on, before `until`; `done_to` is the last step done."""

    __tablename__ = "backfill"

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(SmallInteger)
    first_day: Mapped[datetime]
    until: Mapped[datetime]
    step_days: Mapped[int] = mapped_column(SmallInteger)
    done_to: Mapped[datetime | None]
    wanted_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class BackfilledMembership(Base):
    """As `Membership`, worked out afterwards by one rule for the whole time; the true history stays what it was."""

    __tablename__ = "backfilled_membership"
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"derived": True}},)

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    left_at: Mapped[datetime] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True, index=True)
    joined_at: Mapped[datetime]


class Touched(Base):
    """A batch of people something happened to, whose memberships have yet to be looked at; gone once they were."""

    __tablename__ = "touched"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    people: Mapped[list[Any]]


class Marks(Base):
    """Which segments somebody is in, a bit for each slot and sixty slots to a sheet.

    Says nothing that the lasting memberships do not say; it lets one scan find all who joined or left anything.
    """

    __tablename__ = "membership_marks"
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"derived": True}},)

    sheet: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    marks: Mapped[int]


class Snapshot(Base):
    """People written down once, under the segment that was frozen; they stay whatever becomes of its rule."""

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"))
    taken_at: Mapped[datetime]
    size: Mapped[int]


class Snapped(Base):
    """Somebody is in a snapshot."""

    __tablename__ = "snapped"
    __table_args__ = (Index(None, "subscriber_id"), {"sqlite_with_rowid": False, "info": {"derived": True}})

    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
