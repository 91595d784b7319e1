"""Scores in the background."""

from app.db import transaction, utc_now
from app.queue import job
from app.scoring.points import points_of, score_clock
from app.scoring.rebuild import is_due, rebuild
from app.scoring.tiers import change_tiers


@job("long")
def keep_scores() -> None:
    """Rebuild scores if the rules changed, then move people whose score has faded or grown past a threshold."""
    moved = -1
    while moved:
        with transaction() as session:
            clock, now = score_clock(session), utc_now()
            if clock is None:
                return
            if is_due(clock, now):
                rebuild(session, now)
            moved = change_tiers(session, points_of(session, clock).decay, now)
