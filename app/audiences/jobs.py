"""Segments in the background."""

from app.audiences.refresh import refresh_all
from app.db import transaction, utc_now
from app.queue import job


@job("long")
def refresh_segments() -> None:
    """Look again at who is in which segment: after a rule changed, and because days go by."""
    with transaction() as session:
        refresh_all(session, utc_now())
