"""Fitting in the background."""

from app.db import transaction, utc_now
from app.prediction.fit import is_due, refit
from app.queue import job


@job("long")
def predict() -> None:
    """Fit and predict, if it is due."""
    now = utc_now()
    with transaction() as session:
        if is_due(session, now):
            refit(session, now)
