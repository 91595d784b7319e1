"""Counting what waits: one report after the other, some of them from one copy of what they read.

Not in charge of: what is counted (`kinds`), what waits and what is kept of it (`kept`).
"""

from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import current_app

from app.config import Config
from app.db import reading, transaction, utc_now
from app.reports import kept
from app.reports.columnar import Columnar, columnar, failures
from app.reports.kinds import KINDS
from app.reports.models import KeptReport

# So long reports may be counted from one copy: after that, the next one takes a new one.
COPY_LASTS = timedelta(minutes=10)


def count_waiting() -> None:
    """All that wait now, and those that come meanwhile."""
    while taken := _next():
        _count_from(taken)


def _next() -> KeptReport | None:
    with transaction() as session:
        return kept.take(session, utc_now())


def _count_from(taken: KeptReport | None) -> None:
    """Count this report and those that wait behind it, as of now, from one copy of what they read."""
    config: Config = current_app.extensions["letterbond.config"]
    now = utc_now()
    with TemporaryDirectory(prefix="letterbond-count-") as spill, ExitStack() as opened:
        rows = None
        while taken:
            try:
                rows = rows or opened.enter_context(columnar(config.database_url, Path(spill)))
                _count_one(taken, rows, now)
            except failures() as error:
                with transaction() as session:
                    kept.give_up(session, taken.id, str(error))
                return
            taken = _next() if utc_now() < now + COPY_LASTS else None


def _count_one(taken: KeptReport, rows: Columnar, now: datetime) -> None:
    for name in KINDS[taken.kind].copies:
        rows.copy(name)
    with reading() as session:
        result = kept.counted(session, taken, kept.Told(rows, partial(_tell, taken)), now)
    with transaction() as session:
        kept.settle(session, taken.id, result, now)


def _tell(taken: KeptReport, statements: int) -> None:
    with transaction() as session:
        kept.note_progress(session, taken.id, statements, taken.kind)
