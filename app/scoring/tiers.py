"""Moving people between tiers when their score has crossed a threshold, up or down.

In charge of who is in which tier since when, and of saying so with an event. Which tier a score stands for is
`segments.tier`'s business.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from app.changes import Asked, update_rows
from app.db import one_of, seconds
from app.events.record import EventRow, happening, record
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import Tier, TierPolicy
from app.subscribers.models import Standing
from app.tally import Watch
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
    policy = session.execute(select(TierPolicy.margin_percent, TierPolicy.grace_days).where(TierPolicy.id == 1)).first()
    return Hold(*policy) if policy else Hold()


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
    return tier_case(stored, Standing.tier_id.expression, _steps(tiers), decay, day_of(seconds(now)), hold)


def _steps(tiers: Sequence[Tier]) -> list[TierStep]:
    return [TierStep(tier.id, tier.name, tier.threshold if place else _BOTTOM) for place, tier in enumerate(tiers)]


def change_tiers(session: Session, decay: Decay, now: datetime, people: Sequence[int] | None = None) -> int:
    """Give people (everybody, if None; at most BATCH of those due) the tier of their score now; how many moved."""
    tiers = all_tiers(session)
    if not tiers:
        return 0
    moving = _moving(session, tiers, decay, now).query(Standing.__table__.c)
    if people is not None:
        moving = moving.where(one_of(Standing.subscriber_id, people))
    moves = session.execute(moving.order_by(Standing.subscriber_id).limit(BATCH)).all()
    _move(session, tiers, moves, now)
    return len(moves)


def watch_tiers(session: Session, decay: Decay, now: datetime, others: Sequence[int]) -> Watch | None:
    """Move those whose score was changed, and those of `others` who are due."""
    tiers = all_tiers(session)
    if not tiers:
        return None
    moving = _moving(session, tiers, decay, now)

    def tell(session: Session, changed: Sequence[Any]) -> None:
        beside = moving.query(Standing.__table__.c).where(one_of(Standing.subscriber_id, others))
        _move(session, tiers, [*changed, *(session.execute(beside).all() if others else ())], now)

    return Watch(moving, tell)


def _moving(session: Session, tiers: Sequence[Tier], decay: Decay, now: datetime) -> Asked:
    """SELECT the id, tier and due tier of all whose score stands for another tier than they have."""
    return _those_moving(tuple(_steps(tiers)), decay, day_of(seconds(now)), hold_of(session))


# The same question for a whole day, so that its statement is made once.
@lru_cache(maxsize=8)
def _those_moving(steps: Sequence[TierStep], decay: Decay, day: int, held: Hold) -> Asked:
    def moving(of: Any) -> "Select[*tuple[Any, ...]]":
        due = tier_case(of.score, of.tier_id, steps, decay, day, held)
        return select(of.subscriber_id, of.tier_id, due).where(of.tier_id.is_distinct_from(due))

    return Asked(("subscriber_id", "tier_id", "score"), moving)


def _move(session: Session, tiers: Sequence[Tier], moves: Sequence[Any], now: datetime) -> None:
    """Those who move, by id, with their old tier and their new one."""
    names, at = {tier.id: tier.name for tier in tiers}, seconds(now)
    rows = [(person, new, at) for person, _old, new in moves]
    update_rows(session, Standing, ("subscriber_id", "tier", "since"), _placed, rows)
    # Everybody begins in the lowest tier: that is no change.
    changed = (move for move in sorted(moves) if move[1] is not None or move[2] != tiers[0].id)
    record(session, [_happening(person, old, new, names, now) for person, old, new in changed])


def _placed(new: Mapping[str, Any]) -> dict[str, Any]:
    return {"tier_id": new["tier"], "tier_since": new["since"]}


def _happening(person: int, old: int | None, new: int, names: Mapping[int, str], now: datetime) -> EventRow:
    data = {"from": names.get(old or 0), "from_id": old, "to": names[new], "to_id": new}
    return happening(TIER_CHANGED, person, now, data=data)
