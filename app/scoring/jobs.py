"""Scores in the background."""

from app.db import transaction, utc_now
from app.queue import job
from app.scoring.points import decay_of, score_clock, score_clocks
from app.scoring.rebuild import hold_for_rebuild, is_due, rebuild_step
from app.scoring.tiers import change_tiers


@job("long")
def keep_scores() -> None:
    """Rebuild scores if the rules changed, then move people whose score has faded or grown past a threshold."""
    while _rebuilt_some():
        pass
    moved = -1
    while moved:
        with transaction() as session:
            clock = score_clock(session)
            moved = change_tiers(session, decay_of(clock), utc_now()) if clock else 0


def _rebuilt_some() -> bool:
    """A stretch of the first score that is due; False when none is."""
    with transaction() as session:
        now = utc_now()
        hold_for_rebuild(session, now)
        due = next((clock for clock in score_clocks(session, changing=True) if is_due(clock, now)), None)
        if due:
            rebuild_step(session, due, now)
        return due is not None
