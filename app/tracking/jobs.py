"""What tracking does in the background."""

from datetime import timedelta
from functools import partial

from flask import current_app

from app.db import database, utc_now
from app.events.ingest import ingest
from app.queue import job
from app.tracking.take import MARK, see, take_hits
from app.tracking.verdict import BURST, INSTANT, Rules

# A hit is judged once all that could make it part of a burst has arrived.
SETTLED = BURST + timedelta(seconds=1)


@job("quick")
def ingest_hits() -> None:
    """Take the settled hits of this host's spool into the database."""
    rules = Rules(instant=current_app.config.get("TRACKING_INSTANT", INSTANT))
    spool = current_app.extensions["letterbond.config"].spool
    ingest(database(), spool, see, partial(take_hits, rules=rules), utc_now() - SETTLED, BURST, MARK)
