"""What a plan would do, before it is saved: how many people would change tier, computed without writing anything."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.scoring.models import ScoreClock, Tier
from app.scoring.plan import Plan, current_plan, rescores
from app.scoring.points import Points, by_code
from app.scoring.rebuild import sums
from app.scoring.tiers import tier_sql
from app.subscribers.models import Standing, Status
from segments.score import Decay, day_of


@dataclass(frozen=True, slots=True)
class Preview:
    """How many rise and fall, and how many would be in each tier of the plan, in its order."""

    rising: int
    falling: int
    sizes: tuple[int, ...]

    @property
    def moving(self) -> int:
        return self.rising + self.falling


def tier_sizes(session: Session) -> dict[int | None, int]:
    """How many active people are in each tier; None are those who have none yet."""
    counted = select(Standing.tier_id, func.count()).where(Standing.status == Status.ACTIVE).group_by(Standing.tier_id)
    return dict(session.execute(counted).all())


def preview(session: Session, plan: Plan, now: datetime) -> Preview | None:
    """The effect of the plan on active people as of now; None before the first-run setup."""
    clock, before = session.get(ScoreClock, 1), current_plan(session)
    if clock is None or before is None:
        return None
    # New tiers have no id yet: their place, as a negative number, stands for it.
    tiers = [
        Tier(id=tier.id or -place, name=tier.name, threshold=tier.threshold)
        for place, tier in enumerate(plan.tiers, start=1)
    ]
    if rescores(before, plan):
        decay = Decay(plan.half_life_days, day_of(int(now.timestamp())))
        points = Points(by_code(rule.rule() for rule in plan.rules), decay)
        moves = _moves_by_new_scores(session, points, tiers, now)
    else:
        decay = Decay(clock.half_life_days, clock.landmark_day)
        moves = select(Standing.tier_id.label("old"), tier_sql(tiers, decay, now).label("new"))
    moved = moves.where(Standing.status == Status.ACTIVE).subquery()
    counted = select(moved.c.old, moved.c.new, func.count()).group_by(moved.c.old, moved.c.new)
    return _summary(session.execute(counted).all(), tiers, {tier.id: tier.threshold for tier in before.tiers})


def _moves_by_new_scores(session: Session, points: Points, tiers: list[Tier], now: datetime) -> Select[Any]:
    summed = sums(session, points).subquery()
    new = tier_sql(tiers, points.decay, now, func.coalesce(summed.c.score, 0))
    moves = select(Standing.tier_id.label("old"), new.label("new"))
    return moves.outerjoin(summed, summed.c.subscriber_id == Standing.subscriber_id)


def _summary(rows: Any, tiers: list[Tier], old_thresholds: Mapping[int | None, int]) -> Preview:
    thresholds = {tier.id: tier.threshold for tier in tiers}
    sizes: Counter[int] = Counter()
    rising = falling = 0
    for old, new, number in rows:
        sizes[new] += number
        # Who has no tier yet begins in the lowest: that is no change.
        if old == new or (old is None and new == tiers[0].id):
            continue
        if thresholds[new] > old_thresholds.get(old, 0):
            rising += number
        else:
            falling += number
    return Preview(rising, falling, tuple(sizes[tier.id] for tier in tiers))
