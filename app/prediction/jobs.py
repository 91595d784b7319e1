"""Fitting in the background."""

from datetime import datetime

from app.db import reading, transaction, utc_now
from app.prediction.fit import finish, is_due, learn, write_some
from app.prediction.histories import histories
from app.queue import job


@job("long")
def predict() -> None:
    """Fit and predict, if it is due."""
    now = utc_now()
    with reading() as session:
        due = is_due(session, now)
    if due:
        refit(now)


def refit(now: datetime) -> None:
    """Fit while reading, then write some customers at a time: others want to write as well."""
    last = 0
    with reading() as session:
        learnt = learn(session, now)
        for some in histories(session, now) if learnt.buying else ():
            with transaction() as writing:
                last = write_some(writing, learnt, last, some)
    with transaction() as writing:
        finish(writing, learnt, last, now)
