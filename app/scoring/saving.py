"""Reading the plan in force, and putting another one in force.

Not in charge of its effect on the past, which is `rebuild.py`'s and `tiers.py`'s: the caller rings `jobs.keep_scores`
once it has committed.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.feature import house
from app.marks import expect_mark
from app.scoring.models import MAIN, Score, ScoreClock, ScoreDraft, ScoreRule, Tier, TierPolicy
from app.scoring.plan import Plan, RulePlan, ScorePlan, TierPlan, worth
from app.scoring.points import MOST_CLOCKS, decay_of, score_clocks, today
from app.scoring.rebuild import want_rebuild
from app.scoring.tiers import all_tiers, hold_of, tier_sql
from app.subscribers.hold import hold_all
from app.subscribers.models import Standing
from segments.score import Decay

_SILENT = {"synchronize_session": False}


def current_plan(session: Session) -> Plan | None:
    """What is in force, or will be after the next rebuild; None before the first-run setup."""
    clocks = score_clocks(session)
    if not clocks:
        return None
    rows = session.scalars(select(ScoreRule).order_by(ScoreRule.id)).all()
    hold = hold_of(session)
    return Plan.model_construct(
        scores=[_score(clock, rows) for clock in clocks],
        tiers=[TierPlan.model_validate(tier, from_attributes=True) for tier in all_tiers(session)],
        margin_percent=hold.margin_percent,
        grace_days=hold.grace_days,
    )


def _score(clock: ScoreClock, rows: Sequence[ScoreRule]) -> ScorePlan:
    mine = [RulePlan.of(row) for row in rows if row.clock_id == clock.id and row.kind in house().kinds]
    days = clock.wanted_half_life_days
    return ScorePlan.model_construct(id=clock.id, name=clock.name, half_life_days=days, rules=mine)


def rescored(old: Plan, new: Plan) -> list[ScorePlan]:
    """The scores of the new plan whose sums are others than by the old one, for the past too."""
    before = {score.id: score for score in old.scores}
    return [
        score
        for place, score in enumerate(new.scores)
        if (same := before.get(MAIN if place == 0 else score.id)) is None
        or same.half_life_days != score.half_life_days
        or worth(same) != worth(score)
    ]


def save_plan(
    session: Session, plan: Plan, now: datetime, *, taking_back: bool = False, seen: str | None = None
) -> Plan:
    """Put the plan in force and return the one before.

    Only `taking_back` may bring back scores and tiers by their old id. Conflict if the plan in force is not the one
    `seen`, by its mark.
    """
    kept = {tier.id for tier in plan.tiers}
    if any(tier.id not in kept for tier in all_tiers(session)):
        # Those who are moving into a removed tier at this moment too, and before the clocks, as a rebuild does.
        hold_all(session)
    clocks = {clock.id: clock for clock in score_clocks(session, changing=True)}
    before = current_plan(session)
    if before is None:
        raise Invalid(_("Finish the first-run setup before you change scores."))
    expect_mark(seen, before.model_dump(mode="json"))
    _save_scores(session, plan, before, clocks, now, taking_back)
    policy = session.get(TierPolicy, 1) or TierPolicy(id=1)
    policy.margin_percent, policy.grace_days = plan.margin_percent, plan.grace_days
    session.add(policy)
    _save_tiers(session, plan, decay_of(clocks[MAIN]), now, taking_back)
    return before


def _save_scores(
    session: Session, plan: Plan, before: Plan, clocks: dict[int, ScoreClock], now: datetime, taking_back: bool
) -> None:
    changed = rescored(before, plan)
    kept: set[int] = set()
    for place, planned in enumerate(plan.scores):
        clock = _clock(session, MAIN if place == 0 else planned.id, clocks, planned, now, taking_back)
        kept.add(clock.id)
        clock.name = planned.name
        if planned in changed:
            clock.wanted_half_life_days = planned.half_life_days
            session.flush()
            session.execute(delete(ScoreRule).where(ScoreRule.clock_id == clock.id), execution_options=_SILENT)
            session.add_all(rule.row(clock.id) for rule in planned.rules)
            want_rebuild(session, now, [clock.id])
    for clock_id in clocks.keys() - kept:
        for table in (ScoreRule, Score, ScoreDraft):
            session.execute(delete(table).where(table.clock_id == clock_id), execution_options=_SILENT)
        session.delete(clocks[clock_id])
    session.flush()


def _clock(
    session: Session,
    clock_id: int | None,
    clocks: dict[int, ScoreClock],
    planned: ScorePlan,
    now: datetime,
    taking_back: bool,
) -> ScoreClock:
    if clock_id in clocks:
        return clocks[clock_id]
    if clock_id is not None and not taking_back:
        raise Invalid(_("A score has been removed by somebody else. Reload the page."))
    free = (number for number in range(MAIN + 1, MOST_CLOCKS) if number not in clocks)
    clock = ScoreClock(id=clock_id or next(free), landmark_day=today(now))
    clock.name = planned.name
    clock.half_life_days = clock.wanted_half_life_days = planned.half_life_days
    session.add(clock)
    clocks[clock.id] = clock
    return clock


def _save_tiers(session: Session, plan: Plan, decay: Decay, now: datetime, taking_back: bool) -> None:
    existing = {tier.id: tier for tier in all_tiers(session)}
    for planned in plan.tiers:
        if planned.id and planned.id not in existing and not taking_back:
            raise Invalid(_("A tier has been removed by somebody else. Reload the page."))
    # Names are unique at every moment: two tiers may swap theirs only by way of others.
    for tier in existing.values():
        tier.name = f"\x1f{tier.id}"
    session.flush()
    for planned in plan.tiers:
        tier = existing.pop(planned.id) if planned.id in existing else Tier(id=planned.id)
        tier.name, tier.threshold, tier.colour = planned.name, planned.threshold, planned.colour
        session.add(tier)
    session.flush()
    if existing:
        _dissolve(session, list(existing), decay, now)


def _dissolve(session: Session, tier_ids: list[int], decay: Decay, now: datetime) -> None:
    """Give the people of removed tiers those that are left."""
    left = [tier for tier in all_tiers(session) if tier.id not in tier_ids]
    due = tier_sql(left, decay, now, hold=hold_of(session))
    moving = update(Standing).where(Standing.tier_id.in_(tier_ids)).values(tier_id=due, tier_since=now)
    session.execute(moving, execution_options=_SILENT)
    session.execute(delete(Tier).where(Tier.id.in_(tier_ids)))
