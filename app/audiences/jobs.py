"""Segments in the background."""

from app.audiences.backfill import backfill_step, waiting_backfill
from app.audiences.refresh import refresh_all
from app.audiences.touched import refresh_waiting
from app.db import reading, transaction, utc_now
from app.queue import job


@job("long")
def refresh_segments() -> None:
    """Look again at who is in which segment: after a rule changed, and because days go by."""
    with transaction() as session, reading() as beside:
        refresh_all(session, utc_now(), beside)


@job("quick")
def refresh_noted() -> None:
    """Look at the people that large batches of events have noted."""
    waiting = True
    while waiting:
        with transaction() as session:
            waiting = refresh_waiting(session, utc_now())


@job("long")
def work_out_histories() -> None:
    """Take the steps of all histories that were ordered, one transaction each."""
    waiting = True
    while waiting:
        with transaction() as session:
            order = waiting_backfill(session)
            waiting = order is not None
            if order:
                backfill_step(session, order, utc_now())
