"""Reports in the background. What counts them is loaded when the first job runs: not every worker counts."""

from app.db import reading, transaction, utc_now
from app.queue import enqueue, job


@job("long")
def count() -> None:
    """Count what waits, one report after the other."""
    from app.reports.counting import count_waiting

    count_waiting()


@job("long")
def build_days() -> None:
    """Bring the rows of each segment and day up to now."""
    from app.reports import daily

    with reading() as session:
        built = daily.count(session, utc_now())
    with transaction() as session:
        daily.write(session, built)


@job("quick")
def renew() -> None:
    """Ring for what has to be counted anew."""
    from app.reports import kept

    with transaction() as session:
        kept.want_usual(session, utc_now())
        kept.want_campaigns(session, utc_now())
        kept.renew(session, utc_now())
    enqueue(count)


@job("long")
def post_monthly() -> None:
    """Send the report of the month that is over to those who want it."""
    from app.reports import monthly

    with transaction() as session:
        posted = monthly.post_due(session, utc_now())
    if posted:
        monthly.ring()
