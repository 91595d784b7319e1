"""The rules of points, the named scores with the clocks they decay by, and the tiers."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, unchecked_key

# The score that tiers are names of; its sums stand in `standing`, those of all others in `score`.
MAIN = 1


class ScoreClock(Base):
    """A named score, and the half-life and landmark of the forward decay that its stored sums stand in.

    `wanted_half_life_days` is what marketers chose: the next rebuild puts it in force. `rebuild_wanted_at` is set while
    the stored sums are not yet those of the rules. While one is being drafted, `drafted_to` is the id of the last
    person it holds and `draft_landmark_day` its landmark.
    """

    __tablename__ = "score_clock"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(60))
    half_life_days: Mapped[int]
    wanted_half_life_days: Mapped[int] = mapped_column(Integer)
    landmark_day: Mapped[int]
    rebuild_wanted_at: Mapped[datetime | None]
    rebuilt_at: Mapped[datetime | None]
    drafted_to: Mapped[int | None]
    draft_landmark_day: Mapped[int | None]


class ScoreRule(Base):
    """What an event of a kind adds to a score: `points` in hundredths, and one point more per `per_amount` minor units.

    `conditions` has the values of `ScoreCondition`s by name, all of which must hold. Days are UTC days since 1970, both
    included. Of the events that match, the first `per_day` of a day and the first `per_delivery` of a mail count.
    """

    __tablename__ = "score_rule"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("score_clock.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    points: Mapped[int]
    per_amount: Mapped[int | None]
    conditions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    first_day: Mapped[int | None]
    last_day: Mapped[int | None]
    per_day: Mapped[int | None]
    per_delivery: Mapped[int | None]


class Score(Base):
    """Somebody's forward-decayed sum in a named score other than the main one; no row is 0."""

    __tablename__ = "score"
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"derived": True}},)

    clock_id: Mapped[int] = mapped_column(ForeignKey("score_clock.id"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    total: Mapped[int]


class ScoreDraft(Base):
    """A sum of the rebuild under way that is not the stored one; None of somebody who was touched since, who is summed
    again at its end."""

    __tablename__ = "score_draft"
    # Of people and clocks that were just read: to have them looked for again costs more than the sums.
    __table_args__ = (
        unchecked_key("clock_id", "score_clock.id"),
        unchecked_key("subscriber_id", "subscriber.id"),
        {"sqlite_with_rowid": False, "info": {"derived": True}},
    )

    clock_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    total: Mapped[int | None]


class Tier(Base):
    """A name for scores from `threshold` points (whole) upwards; the lowest one also holds all below."""

    __tablename__ = "tier"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    threshold: Mapped[int]
    colour: Mapped[str] = mapped_column(String(20), default="blue")


class TierPolicy(Base):
    """How readily people fall: row 1. See `segments.tier.Hold`."""

    __tablename__ = "tier_policy"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    margin_percent: Mapped[int] = mapped_column(SmallInteger)
    grace_days: Mapped[int] = mapped_column(SmallInteger)
