"""The card on a person's page: her tier, her scores, and the newest entries that add up to the main one."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import utc_now
from app.feature import ProfileCard
from app.i18n import language
from app.scoring.explain import explain_score
from app.scoring.models import MAIN, Score
from app.scoring.points import decay_of, score_clocks, today

# Entries that are shown one by one; the rest stands in their sum.
SHOWN = 12


def score_card(session: Session, subscriber_id: int) -> ProfileCard | None:
    """None before the first-run setup."""
    explanation = explain_score(session, subscriber_id, utc_now())
    if explanation is None:
        return None
    older = explanation.entries[SHOWN:]
    values = {
        "explanation": explanation,
        "subscriber_id": subscriber_id,
        "others": _others(session, subscriber_id),
        "newest": explanation.entries[:SHOWN],
        "language": language(),
        "older": len(older),
        "older_points": sum(entry.hundredths_now for entry in older) / 100,
    }
    return ProfileCard("scoring/_card.html", values)


def _others(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """Her scores other than the main one, in points of today."""
    hers = select(Score.clock_id, Score.total).where(Score.subscriber_id == subscriber_id)
    totals: dict[int, int] = dict(session.execute(hers).all())
    day = today(utc_now())
    others = [clock for clock in score_clocks(session) if clock.id != MAIN]
    return [
        {"id": each.id, "name": each.name, "points": decay_of(each).value(totals.get(each.id, 0), day)}
        for each in others
    ]
