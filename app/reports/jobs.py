"""Reports in the background."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import current_app

from app.config import Config
from app.db import reading, transaction, utc_now
from app.queue import enqueue, job
from app.reports import daily, kept, monthly
from app.reports.columnar import columnar, failures
from app.reports.models import KeptReport


@job("long")
def count() -> None:
    """Count what waits, one report after the other."""
    while True:
        with transaction() as session:
            taken = kept.take(session, utc_now())
        if taken is None:
            return
        _count_one(taken)


@job("long")
def build_days() -> None:
    """Bring the rows of each segment and day up to now."""
    with reading() as session:
        built = daily.count(session, utc_now())
    with transaction() as session:
        daily.write(session, built)


@job("quick")
def renew() -> None:
    """Ring for what has to be counted anew."""
    with transaction() as session:
        kept.want_usual(session, utc_now())
        kept.renew(session, utc_now())
    enqueue(count)


@job("long")
def post_monthly() -> None:
    """Send the report of the month that is over to those who want it."""
    with transaction() as session:
        posted = monthly.post_due(session, utc_now())
    if posted:
        monthly.ring()


def _count_one(taken: KeptReport) -> None:
    config: Config = current_app.extensions["letterbond.config"]
    now = utc_now()
    with TemporaryDirectory(prefix="letterbond-count-") as spill, reading() as session:
        try:
            with columnar(config.database_url, Path(spill)) as rows:
                result = kept.counted(session, taken, kept.Told(rows, partial(_tell, taken)), now)
        except failures() as error:
            with transaction() as writing:
                kept.give_up(writing, taken.id, str(error))
            return
    with transaction() as session:
        kept.settle(session, taken.id, result, now)


def _tell(taken: KeptReport, statements: int) -> None:
    with transaction() as session:
        kept.note_progress(session, taken.id, statements, taken.kind)
