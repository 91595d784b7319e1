"""What scores and tiers were: the score by the rules of today, of what had happened by then; tiers as they changed.

Only the main score has a past here.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import History
from app.scoring.kinds import TIER_CHANGED
from app.scoring.points import points_of, score_clock
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
    total = sums(session, points_of(session, clock), Event.occurred_at < moment).subquery("total")
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


HISTORY = History(columns={"score": 0, "tier_id": None, "tier_since": None}, standing=_scores_then)
