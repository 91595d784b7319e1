"""The card on a person's page: her tier, her score, and the events that add up to it."""

from sqlalchemy.orm import Session

from app.db import utc_now
from app.feature import ProfileCard
from app.i18n import language
from app.scoring.explain import explain_score

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
        "newest": explanation.entries[:SHOWN],
        "language": language(),
        "older": len(older),
        "older_points": sum(entry.points_now for entry in older),
    }
    return ProfileCard("scoring/_card.html", values)
