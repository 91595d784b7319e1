"""What marketers write: templates and campaigns, and the frozen editions that are sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Code, Id


class CampaignState(StrEnum):
    """draft → scheduled → holding (undo window) → sending ⇄ paused → sent, or cancelled."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    HOLDING = "holding"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class CrashPolicy(StrEnum):
    """What becomes of a mail that was in flight when its sender died (DESIGN 5.1)."""

    RESEND = "resend"
    ASK = "ask"
    NEVER = "never"


class Again(StrEnum):
    """Whom a campaign that is over is sent to once more: those whose mail failed, or all whom it did not reach."""

    FAILED = "failed"
    UNREACHED = "unreached"


class Template(Base):
    """A mail that marketers reuse."""

    __tablename__ = "template"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(Text, default="")
    preheader: Mapped[str] = mapped_column(Text, default="")
    html: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]


class Campaign(Base):
    """A mail to an audience. `revision` counts saves, so that two editors cannot overwrite one another unseen."""

    __tablename__ = "campaign"
    __table_args__ = (
        Index(
            "ix_campaign_send_after",
            "send_after",
            sqlite_where=text("state IN (1, 2)"),
            postgresql_where=text("state IN (1, 2)"),
        ),
        Index(
            None,
            "again_after",
            sqlite_where=text("again_after IS NOT NULL"),
            postgresql_where=text("again_after IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[CampaignState] = mapped_column(Code(CampaignState), default=CampaignState.DRAFT)
    sender_id: Mapped[int] = mapped_column(ForeignKey("sender.id"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    subject: Mapped[str] = mapped_column(Text, default="")
    preheader: Mapped[str] = mapped_column(Text, default="")
    from_name: Mapped[str | None] = mapped_column(String(200))
    reply_to: Mapped[str | None] = mapped_column(String(320))
    language: Mapped[str] = mapped_column(String(8), default="en")
    html: Mapped[str] = mapped_column(Text, default="")
    crash_policy: Mapped[CrashPolicy] = mapped_column(Code(CrashPolicy), default=CrashPolicy.RESEND)
    revision: Mapped[int] = mapped_column(Integer, default=0)
    # No foreign key: editions point to their campaign already, and a circle of keys cannot be created at once.
    edition_id: Mapped[int | None]
    send_after: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None] = mapped_column(Text)
    tested_revision: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    # Set while sending again waits for its undo window (app/delivery/again.py).
    again: Mapped[Again | None] = mapped_column(Code(Again))
    again_after: Mapped[datetime | None]
    # How many people complained, and how often it paused by itself (app/delivery/brake.py).
    complaints: Mapped[int] = mapped_column(Integer, default=0)
    brakes: Mapped[int] = mapped_column(SmallInteger, default=0)
    segments: Mapped[list["CampaignSegment"]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    @property
    def included(self) -> list[int]:
        """Ids of the segments whose people are meant; none means everybody."""
        return [row.segment_id for row in self.segments if not row.excluded]

    @property
    def excluded(self) -> list[int]:
        """Ids of the segments whose people are left out."""
        return [row.segment_id for row in self.segments if row.excluded]


class CampaignSegment(Base):
    """Whom a campaign means: people of any included segment (all subscribers if none), minus the excluded."""

    __tablename__ = "campaign_segment"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    excluded: Mapped[bool] = mapped_column(default=False)


class StoredEdition(Base):
    """A campaign compiled: `document` is `Edition.to_json()`; immutable, every render of a send comes from it."""

    __tablename__ = "edition"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    revision: Mapped[int] = mapped_column(Integer)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Link(Base):
    """Where the link at `position` of a campaign leads; click targets come from here alone (DESIGN 5.9)."""

    __tablename__ = "link"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    target: Mapped[str] = mapped_column(Text)
