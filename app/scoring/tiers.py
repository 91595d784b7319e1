"""Moving people between tiers when their score has crossed a threshold, up or down.

In charge of who is in which tier since when, and of saying so with an event. Which tier a score stands for is
`segments.tier`'s business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.events.record import EventRow, happening, record
from app.importing.batch import is_among
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import Tier, TierPolicy
from app.subscribers.models import Standing
from segments.label import Label
from segments.score import Decay, day_of
from segments.tier import Hold, TierStep, tier_case

# So many people change tier in one transaction.
BATCH = 5_000
# Below any score there can be: nobody falls out of the lowest tier.
_BOTTOM = -(10**9)

_NAMES = {
    "New": Label("New", "Neu"),
    "Reader": Label("Reader", "Leser"),
    "Regular": Label("Regular", "Stammleser"),
    "Loyal": Label("Loyal", "Treu"),
}


def tier_label(name: str) -> Label:
    """The name of a tier in both languages; one that marketers made up is the same in both."""
    return _NAMES.get(name) or Label(name, name)


def all_tiers(session: Session) -> list[Tier]:
    """The tiers, lowest first."""
    return list(session.scalars(select(Tier).order_by(Tier.threshold, Tier.id)))


def hold_of(session: Session) -> Hold:
    """How readily people fall."""
    policy = session.get(TierPolicy, 1, populate_existing=True)
    return Hold(policy.margin_percent, policy.grace_days) if policy else Hold()


def tier_sql(
    tiers: Sequence[Tier],
    decay: Decay,
    now: datetime,
    score: ColumnElement[int] | None = None,
    hold: Hold | None = None,
) -> ColumnElement[Any]:
    """The id of the tier that people's stored score (or another one, in the same decay) stands for at this time.

    `tiers` in their order, at least one; the lowest is open below.
    """
    stored = Standing.score.expression if score is None else score
    steps = [TierStep(tier.id, tier.name, tier.threshold if place else _BOTTOM) for place, tier in enumerate(tiers)]
    return tier_case(stored, Standing.tier_id.expression, steps, decay, day_of(int(now.timestamp())), hold)


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody whose score stands for another tier than she has."""

    subscriber_id: int
    old: int | None
    new: int


def change_tiers(session: Session, decay: Decay, now: datetime, people: Sequence[int] | None = None) -> int:
    """Give people (everybody, if None; at most BATCH of those due) the tier of their score now; how many moved."""
    tiers = all_tiers(session)
    if not tiers:
        return 0
    due = tier_sql(tiers, decay, now, hold=hold_of(session))
    moves = list(_moves(session, due, people))
    if moves:
        movers = Standing.subscriber_id.in_([move.subscriber_id for move in moves])
        changed = update(Standing).where(movers).values(tier_id=due, tier_since=now)
        session.execute(changed, execution_options={"synchronize_session": False})
        record(session, _happenings(moves, tiers, now))
    return len(moves)


def _moves(session: Session, due: ColumnElement[Any], people: Sequence[int] | None) -> Iterator[Move]:
    moving = select(Standing.subscriber_id, Standing.tier_id, due).where(Standing.tier_id.is_distinct_from(due))
    if people is not None:
        moving = moving.where(is_among(session, Standing.subscriber_id, people))
    for row in session.execute(moving.order_by(Standing.subscriber_id).limit(BATCH)):
        yield Move(*row)


def _happenings(moves: Sequence[Move], tiers: Sequence[Tier], now: datetime) -> Iterator[EventRow]:
    names = {tier.id: tier.name for tier in tiers}
    for move in moves:
        # Everybody begins in the lowest tier: that is no change.
        if move.old is None and move.new == tiers[0].id:
            continue
        data = {"from": names.get(move.old or 0), "from_id": move.old, "to": names[move.new], "to_id": move.new}
        yield happening(TIER_CHANGED, move.subscriber_id, now, data=data)
