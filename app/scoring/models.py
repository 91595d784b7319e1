"""The table of points, the tiers, and the clock that scores decay by."""

from datetime import datetime

from sqlalchemy import Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id


class ScoreRule(Base):
    """What one event of a kind is worth: `points` in hundredths, and one more point per `per_amount` minor units."""

    __tablename__ = "score_rule"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    points: Mapped[int]
    per_amount: Mapped[int | None]


class ScoreClock(Base):
    """Half-life and landmark of the forward decay that all stored scores stand in; row 1.

    `wanted_half_life_days` is what marketers chose: the next rebuild puts it in force. `rebuild_wanted_at` is set while
    the stored scores are not yet those of the rules.
    """

    __tablename__ = "score_clock"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    half_life_days: Mapped[int]
    wanted_half_life_days: Mapped[int] = mapped_column(Integer)
    landmark_day: Mapped[int]
    rebuild_wanted_at: Mapped[datetime | None]
    rebuilt_at: Mapped[datetime | None]


class Tier(Base):
    """A name for scores from `threshold` points (whole) upwards; the lowest one also holds all below."""

    __tablename__ = "tier"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    threshold: Mapped[int]
    colour: Mapped[str] = mapped_column(String(20), default="blue")
