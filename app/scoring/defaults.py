"""What a new installation scores by."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.feature import EventKind, house
from app.scoring.models import MAIN, ScoreClock, ScoreRule, Tier, TierPolicy
from segments.score import HUNDREDTHS, day_of
from segments.tier import MARGIN_PERCENT

HALF_LIFE_DAYS = 180
# A confirmation and a few weeks of reading; about three orders, or half a year of clicks; a customer who comes back.
TIERS = (("New", 0, "secondary"), ("Reader", 15, "azure"), ("Regular", 40, "teal"), ("Loyal", 100, "orange"))


def defaults(session: Session, now: datetime) -> None:
    """The points that the event kinds bring along, the half-life and four tiers: once, at the first-run setup."""
    days = {"half_life_days": HALF_LIFE_DAYS, "wanted_half_life_days": HALF_LIFE_DAYS}
    today = day_of(int(now.timestamp()))
    session.add(ScoreClock(id=MAIN, name="Engagement", landmark_day=today, **days))
    session.add(TierPolicy(id=1, margin_percent=MARGIN_PERCENT, grace_days=0))
    session.flush()
    kinds = sorted(house().kinds.values(), key=lambda kind: kind.code)
    session.add_all(_rule(kind) for kind in kinds if kind.points is not None)
    session.add_all(Tier(name=name, threshold=threshold, colour=colour) for name, threshold, colour in TIERS)


def _rule(kind: EventKind) -> ScoreRule:
    per_amount = None if kind.per_amount is None else kind.per_amount * HUNDREDTHS
    points = (kind.points or 0) * HUNDREDTHS
    return ScoreRule(clock_id=MAIN, kind=kind.name, points=points, per_amount=per_amount, conditions={})
