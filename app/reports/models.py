"""What reports keep: the definitions that marketers set, reports that take long, and a row per segment and day."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Integer, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id


class ReportSetting(Base):
    """What being active, being lost and buying again mean here; row 1, absent while nobody changed anything."""

    __tablename__ = "report_setting"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    active_days: Mapped[int] = mapped_column(Integer)
    # Values of `definitions.Lost`.
    lost_when: Mapped[list[Any]]
    repeat_times: Mapped[int] = mapped_column(Integer)
    # What it costs to win a customer, in minor units.
    acquisition_cost: Mapped[int]
    new_days: Mapped[int] = mapped_column(Integer)
    cooling_days: Mapped[int] = mapped_column(Integer)
    sleeping_days: Mapped[int] = mapped_column(Integer)


class CountState(StrEnum):
    """Where a count is."""

    WAITING = "waiting"
    COUNTING = "counting"
    DONE = "done"
    FAILED = "failed"


class KeptReport(Base):
    """A report that takes long to count: asked once, counted in the background, kept with the moment it is of.

    `asked` is its question as canonical JSON; `result` the report as JSON, which stays while a newer one is counted.
    """

    __tablename__ = "kept_report"
    __table_args__ = (UniqueConstraint("kind", "asked"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    asked: Mapped[str] = mapped_column(String(500))
    state: Mapped[CountState] = mapped_column(Code(CountState), default=CountState.WAITING)
    # Percent of the present count.
    progress: Mapped[int] = mapped_column(SmallInteger, default=0)
    wanted_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    as_of: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)

    @property
    def is_under_way(self) -> bool:
        """Whether it will end by itself."""
        return self.state in {CountState.WAITING, CountState.COUNTING}


# The segment of the daily rows of all people.
EVERYBODY = 0


class SegmentDaily(Base):
    """What the people of a segment did on a day, while they were in it; `day` counts from 1970-01-01.

    Segment 0 is everybody. `size` is that of the end of the day, `uniques` are people who opened or clicked, `revenue`
    is in minor units. Nobody's in particular: rows stay when a segment or a person goes.
    """

    __tablename__ = "segment_daily"
    __table_args__ = ({"sqlite_with_rowid": False},)

    segment_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(Integer, default=0)
    joined: Mapped[int] = mapped_column(Integer, default=0)
    left: Mapped[int] = mapped_column(Integer, default=0)
    opens: Mapped[int] = mapped_column(Integer, default=0)
    clicks: Mapped[int] = mapped_column(Integer, default=0)
    uniques: Mapped[int] = mapped_column(Integer, default=0)
    purchases: Mapped[int] = mapped_column(Integer, default=0)
    revenue: Mapped[int] = mapped_column(default=0)


class DailyState(Base):
    """How far the daily rows are built: events up to `event_id`, sizes of all days before `open_day`; row 1."""

    __tablename__ = "daily_state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int]
    open_day: Mapped[int] = mapped_column(Integer)
    # The time zone whose days they are: another one means building them anew.
    time_zone: Mapped[str] = mapped_column(String(64))
    built_at: Mapped[datetime]


class ReportReader(Base):
    """A marketer who wants the monthly report by mail; `last_month` is the one sent last, as YYYY-MM."""

    __tablename__ = "report_reader"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]
    last_month: Mapped[str | None] = mapped_column(String(7))
