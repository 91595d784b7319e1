"""What a plan would do, before it is saved: who would change tier, computed without writing anything.

Other points are tried on all events of everybody, which takes a while where there are very many; then those of every
n-th person are asked and the numbers multiplied, unless all are wanted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.scoring.models import MAIN, Tier
from app.scoring.plan import Plan, TierPlan
from app.scoring.points import Points, decay_of, rules_of, score_clock, today
from app.scoring.saving import current_plan, rescored
from app.scoring.sums import sums
from app.scoring.tiers import all_tiers, tier_sql
from app.spread import spread
from app.subscribers.models import Standing, Status, Subscriber
from segments.score import Decay
from segments.tier import Hold

# So many people are asked at once; more take longer than somebody who moves a slider wants to wait.
ASKED = 20_000
SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Move:
    """So many people would go from one tier (None: they had none yet) to another."""

    old: str | None
    new: str
    people: int
    is_up: bool


@dataclass(frozen=True, slots=True)
class Somebody:
    """One who would change tier."""

    person: Subscriber
    old: str | None
    new: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """How many would rise and fall and how, how many would be in each tier of the plan, and some of those who move.

    `one_in` is 1 where everybody was asked, else the numbers are estimates from every n-th person.
    """

    moves: tuple[Move, ...]
    sizes: tuple[int, ...]
    sample: tuple[Somebody, ...]
    one_in: int
    other_scores: tuple[str, ...]

    @property
    def rising(self) -> int:
        return sum(move.people for move in self.moves if move.is_up)

    @property
    def falling(self) -> int:
        return sum(move.people for move in self.moves if not move.is_up)

    @property
    def moving(self) -> int:
        return self.rising + self.falling


def tier_sizes(session: Session) -> dict[int | None, int]:
    """How many active people are in each tier; None are those who have none yet."""
    tiers = (None, *(tier.id for tier in all_tiers(session)))
    return spread(session, Standing.tier_id, tiers, Standing.status == Status.ACTIVE)


def preview(session: Session, plan: Plan, now: datetime, *, ask_all: bool = False) -> Preview | None:
    """The effect of the plan on active people as of now; None before the first-run setup."""
    before = current_plan(session)
    if before is None:
        return None
    # New tiers have no id yet: their place, as a negative number, stands for it.
    tiers = [
        Tier(id=tier.id or -place, name=tier.name, threshold=tier.threshold)
        for place, tier in enumerate(plan.tiers, start=1)
    ]
    changed = rescored(before, plan)
    one_in = 1
    if plan.scores[0] in changed:
        one_in = 1 if ask_all else 1 + (session.scalar(select(func.count()).select_from(Standing)) or 0) // ASKED
        moves = _by_new_scores(session, plan, tiers, now, one_in)
    else:
        moves = _by_old_scores(session, plan, tiers, now)
    others = tuple(score.name for score in changed if score is not plan.scores[0])
    return _seen(session, moves, _Names(before.tiers, tiers), one_in, others)


def _by_old_scores(session: Session, plan: Plan, tiers: list[Tier], now: datetime) -> Select[Any]:
    clock = score_clock(session)
    assert clock is not None
    new = tier_sql(tiers, decay_of(clock), now, hold=Hold(plan.margin_percent, plan.grace_days))
    return _moving(new)


def _by_new_scores(session: Session, plan: Plan, tiers: list[Tier], now: datetime, one_in: int) -> Select[Any]:
    score = plan.scores[0]
    rules = rules_of(rule.row(MAIN) for rule in score.rules)
    points = Points(rules, Decay(score.half_life_days, today(now)))
    asked = Standing.subscriber_id % one_in == 0
    among = [] if one_in == 1 else [Event.subscriber_id.in_(select(Standing.subscriber_id).where(asked))]
    summed = sums(session, points, *among).subquery()
    hold = Hold(plan.margin_percent, plan.grace_days)
    new = tier_sql(tiers, points.decay, now, func.coalesce(summed.c.total, 0), hold)
    return _moving(new).outerjoin(summed, summed.c.subscriber_id == Standing.subscriber_id).where(asked)


def _moving(new: ColumnElement[Any]) -> Select[Any]:
    found = select(Standing.subscriber_id.label("person"), Standing.tier_id.label("old"), new.label("new"))
    return found.select_from(Standing).where(Standing.status == Status.ACTIVE)


class _Names:
    """Tiers of the plan before and after by id: their names, and which way a move between them goes."""

    def __init__(self, before: Sequence[TierPlan], after: Sequence[Tier]) -> None:
        self.after = after
        self._old: Mapping[int | None, TierPlan] = {tier.id: tier for tier in before}
        self._new = {tier.id: tier for tier in after}

    def is_move(self, old: int | None, new: int) -> bool:
        # Who has no tier yet begins in the lowest: that is no change.
        return old != new and not (old is None and new == self.after[0].id)

    def of(self, old: int | None, new: int) -> tuple[str | None, str, bool]:
        before, after = self._old.get(old), self._new[new]
        return before.name if before else None, after.name, after.threshold > (before.threshold if before else 0)


def _seen(session: Session, moves: Select[Any], names: _Names, one_in: int, others: tuple[str, ...]) -> Preview:
    each = moves.subquery()
    counted = select(each.c.old, each.c.new, func.count()).group_by(each.c.old, each.c.new)
    rows = session.execute(counted.order_by(func.count().desc())).all()
    sizes: Counter[int] = Counter()
    for _old, new, number in rows:
        sizes[new] += number * one_in
    found = [
        Move(old_name, new_name, number * one_in, is_up)
        for old, new, number in rows
        if names.is_move(old, new)
        for old_name, new_name, is_up in [names.of(old, new)]
    ]
    sample = _sample(session, moves, names) if found else ()
    return Preview(tuple(found), tuple(sizes[tier.id] for tier in names.after), sample, one_in, others)


def _sample(session: Session, moves: Select[Any], names: _Names) -> tuple[Somebody, ...]:
    each = moves.subquery()
    lowest = names.after[0].id
    moved = func.coalesce(each.c.old, lowest) != each.c.new
    rows = session.execute(select(each).where(moved).order_by(each.c.person.desc()).limit(SAMPLE)).all()
    wanted = select(Subscriber).where(Subscriber.id.in_([row.person for row in rows]))
    people = {person.id: person for person in session.scalars(wanted)}
    return tuple(Somebody(people[row.person], *names.of(row.old, row.new)) for row in rows if row.person in people)
