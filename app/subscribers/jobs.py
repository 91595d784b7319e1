"""Forgetting requests that nobody confirmed."""

from app.db import transaction, utc_now
from app.queue import job
from app.subscribers.purging import BATCH, purge_unconfirmed


@job("long")
def purge() -> None:
    """Batch by batch, so that sign-ups need not wait for long."""
    forgotten = BATCH
    while forgotten == BATCH:
        with transaction() as session:
            forgotten = purge_unconfirmed(session, utc_now())
