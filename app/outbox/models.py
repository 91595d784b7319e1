"""Mails that one person asked for (confirmation, test send): written with the change that caused them, sent after."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id


class LetterState(StrEnum):
    """Where a letter is."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Letter(Base):
    """One mail to one person, rendered, with what the relay said."""

    __tablename__ = "letter"
    __table_args__ = (
        Index(None, "recipient"),
        Index(
            "ix_letter_waiting",
            "next_try_at",
            sqlite_where=text("state = 0"),
            postgresql_where=text("state = 0"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    sender_id: Mapped[int] = mapped_column(ForeignKey("sender.id"))
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, Any]]
    message_id: Mapped[str] = mapped_column(String(320))
    state: Mapped[LetterState] = mapped_column(Code(LetterState), default=LetterState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Text)
