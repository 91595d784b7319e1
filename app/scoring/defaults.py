"""What a new installation scores by."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.feature import EventKind, house
from app.scoring.models import ScoreClock, ScoreRule, Tier
from segments.score import HUNDREDTHS, day_of

HALF_LIFE_DAYS = 180
# A confirmation and a few weeks of reading; about three orders, or half a year of clicks; a customer who comes back.
TIERS = (("New", 0, "secondary"), ("Reader", 15, "azure"), ("Regular", 40, "teal"), ("Loyal", 100, "orange"))


def defaults(session: Session, now: datetime) -> None:
    """The points that the event kinds bring along, the half-life and four tiers: once, at the first-run setup."""
    today = day_of(int(now.timestamp()))
    clock = ScoreClock(id=1, half_life_days=HALF_LIFE_DAYS, wanted_half_life_days=HALF_LIFE_DAYS, landmark_day=today)
    session.add(clock)
    session.add_all(_rule(kind) for kind in house().kinds.values() if kind.points is not None)
    session.add_all(Tier(name=name, threshold=threshold, colour=colour) for name, threshold, colour in TIERS)


def _rule(kind: EventKind) -> ScoreRule:
    per_amount = None if kind.per_amount is None else kind.per_amount * HUNDREDTHS
    return ScoreRule(kind=kind.name, points=(kind.points or 0) * HUNDREDTHS, per_amount=per_amount)
