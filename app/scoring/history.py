"""What scores and tiers were: scores by the rules of today, of what had happened by then; tiers as they changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, SelectBase, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import History
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import MAIN, Score, ScoreClock
from app.scoring.points import points_of, score_clock, score_clocks
from app.scoring.sums import sums
from app.scoring.tiers import all_tiers
from app.subscribers.models import Standing


def _scores_then(session: Session, moment: datetime) -> "Select[*tuple[Any, ...]]":
    """Of everybody, just before a moment: everybody has been in the lowest tier until an event tells of another."""
    tier, since = _last_change(moment)
    lowest = next((each.id for each in all_tiers(session)), None)
    clock = score_clock(session)
    found = select(Standing.subscriber_id, func.coalesce(tier, lowest).label("tier_id"), since.label("tier_since"))
    found = found.outerjoin(tier.table, tier.table.c.subscriber_id == Standing.subscriber_id)
    if clock is None:
        return found.add_columns(Standing.score)
    total = _sums_then(session, clock, moment).subquery("total")
    score = func.coalesce(total.c.total, 0).label("score")
    return found.add_columns(score).outerjoin(total, total.c.subscriber_id == Standing.subscriber_id)


def _last_change(moment: datetime) -> tuple[Any, Any]:
    """The tier that each person's last change led to, and when that was."""
    latest = func.row_number().over(
        partition_by=Event.subscriber_id, order_by=(Event.occurred_at.desc(), Event.id.desc())
    )
    to = cast(Event.data["to_id"].as_integer(), BigInteger).label("to_id")
    changes = select(Event.subscriber_id, to, Event.occurred_at, latest.label("place"))
    each = changes.where(Event.kind == TIER_CHANGED.code, Event.occurred_at < moment).subquery()
    last = select(each.c.subscriber_id, each.c.to_id, each.c.occurred_at).where(each.c.place == 1).subquery("tier_then")
    return last.c.to_id, last.c.occurred_at


def _others_then(session: Session, moment: datetime) -> SelectBase:
    """The sums of the scores that stand beside the main one."""
    clocks = [clock for clock in score_clocks(session) if clock.id != MAIN]
    each = [_sums_then(session, clock, moment).subquery() for clock in clocks]
    parts = [
        select(literal(clock.id).label("clock_id"), then.c.subscriber_id, then.c.total)
        for clock, then in zip(clocks, each, strict=True)
    ]
    return union_all(*parts)


def _sums_then(session: Session, clock: ScoreClock, moment: datetime) -> "Select[int, int]":
    return sums(session, points_of(session, clock), Event.occurred_at < moment)


HISTORY = History(
    columns={"score": 0, "tier_id": None, "tier_since": None},
    standing=_scores_then,
    tables={Score.__tablename__: _others_then},
)
