"""Files that bring rows in: where each stands, what it rejected and what it changed, so it can resume and be undone."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id


class ImportState(StrEnum):
    """uploaded → checking (dry run) → checked → running → done → undoing → undone; or failed, cancelled."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Import(Base):
    """One uploaded file. `position` (bytes) and `line` say up to where it was read; counts are of what was read.

    Rows begin at `start_position`. `mapping` is column number → what it is read as, `formats` how ambiguous columns are
    written (chosen by hand or found over the whole column). Whoever works on it holds the lease, by the database's
    clock.
    """

    __tablename__ = "import"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[ImportState] = mapped_column(Code(ImportState), default=ImportState.UPLOADED)
    file_name: Mapped[str] = mapped_column(String(300))
    file: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    encoding: Mapped[str] = mapped_column(String(20))
    delimiter: Mapped[str] = mapped_column(String(1))
    header: Mapped[list[Any]]
    mapping: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    formats: Mapped[dict[str, Any]] = mapped_column(default=dict)
    start_position: Mapped[int] = mapped_column(default=0)
    start_line: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    line: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    # Of an undone import: how many stayed, by reason.
    stayed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    owner: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def rows(self) -> int:
        """The books: every row read is one of these."""
        return self.new + self.changed + self.unchanged + self.rejected

    @property
    def is_busy(self) -> bool:
        """A worker is at it, or will be."""
        return self.state in BUSY


BUSY = (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)


class ImportReject(Base):
    """A row that was not taken, and why."""

    __tablename__ = "import_reject"
    __table_args__ = (Index(None, "import_id", "line"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import.id", ondelete="CASCADE"))
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    row: Mapped[str] = mapped_column(Text)


class ImportChange(Base):
    """What the import did to a row: column → [before, after]; `before` is null where the import made the row."""

    __tablename__ = "import_change"

    import_id: Mapped[int] = mapped_column(ForeignKey("import.id", ondelete="CASCADE"), primary_key=True)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before: Mapped[dict[str, Any] | None]
