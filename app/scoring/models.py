"""The table of points, the tiers, and the clock that scores decay by."""

from datetime import datetime

from sqlalchemy import SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id


class ScoreRule(Base):
    """What one event of a kind is worth: `points` in hundredths, and one more point per `per_amount` minor units."""

    __tablename__ = "score_rule"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    points: Mapped[int]
    per_amount: Mapped[int | None]


class ScoreClock(Base):
    """Half-life and landmark of the forward decay; row 1. `rebuild_wanted_at` is set when the rules changed."""

    __tablename__ = "score_clock"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    half_life_days: Mapped[int]
    landmark_day: Mapped[int]
    rebuild_wanted_at: Mapped[datetime | None]
    rebuilt_at: Mapped[datetime | None]


class DecayDay(Base):
    """The integer factor of each day (`segments.score.Decay.table`), so that SQL and Python agree to the last bit."""

    __tablename__ = "decay_day"

    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    factor: Mapped[int]


class Tier(Base):
    """A name for scores from `threshold` points (whole) upwards."""

    __tablename__ = "tier"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    threshold: Mapped[int]
    colour: Mapped[str] = mapped_column(String(20), default="blue")
