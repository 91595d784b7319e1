"""Works on an import, one batch per transaction: the rows, the books and the place to go on from change together.

So a worker may be killed at any instant: what was committed is counted, what was not never happened, and the next
worker goes on at the byte behind the last batch. In charge of: that, the lease that keeps two workers off one import,
and the rejects. Not of: what a row does (each Importer), nor of beginning and stopping (`states.py`).
"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flask_babel import force_locale
from sqlalchemy import BigInteger, ColumnElement, CursorResult, insert, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from app.accounts.organisation import UTC_ZONE, organisation, time_zone
from app.db import db_now
from app.importing.ahead import LARGE, Ahead
from app.importing.batches import Batch, File
from app.importing.cells import mapped
from app.importing.importer import Plan, Reject
from app.importing.models import BUSY, Import, ImportReject, ImportState
from app.importing.reading import Place
from app.importing.states import importer_of
from app.importing.values import Habits

BATCH = 15_000
# Longer than a batch takes on the slowest machine; after a kill, so long nobody goes on.
LEASE_SECONDS = 60
_KEPT_OF_A_ROW = 4000
_ENDS = {ImportState.CHECKING: ImportState.CHECKED, ImportState.RUNNING: ImportState.DONE}


class Reader:
    """Where a worker gets the batches of one import from, and what it knows between them.

    A single batch may come from a reader of its own: it is the same batch, only slower. What columns there are and
    what their cells mean is found out once.
    """

    def __init__(self, *, reads_ahead: bool = False) -> None:
        self._reads_ahead = reads_ahead and (os.cpu_count() or 1) > 1
        self._file: File | None = None
        self._ahead: Ahead | None = None
        self._fetched: Batch | None = None

    def fetch(self, session: Session, import_: Import, uploads: Path, size: int = BATCH) -> None:
        """Have the next batch at hand before anything is locked for it."""
        with force_locale(_locale(session)):
            self._fetched = self._read(session, import_, uploads, size)

    def batch(self, session: Session, import_: Import, uploads: Path, size: int) -> Batch:
        """The next one of an import."""
        batch, self._fetched = self._fetched, None
        if batch is None or batch.start != _place(import_):
            batch = self._read(session, import_, uploads, size)
        return batch

    def _read(self, session: Session, import_: Import, uploads: Path, size: int) -> Batch:
        start = _place(import_)
        if self._file is None:
            self._file = _file(session, import_, uploads)
            if self._reads_ahead and import_.size - start.position > LARGE:
                self._ahead = Ahead(self._file, start, size)
        batch = self._ahead.batch(start) if self._ahead else None
        if batch is None:
            self.close()
            batch = self._file.batch(start, size)
        return batch

    def close(self) -> None:
        """Let go of the second process."""
        if self._ahead:
            self._ahead.close()
        self._ahead = None


def advance(
    session: Session,
    import_id: int,
    owner: str,
    uploads: Path,
    now: datetime,
    size: int = BATCH,
    reader: Reader | None = None,
) -> bool:
    """Do the next batch of a busy import; False when there is none, or another worker is at it."""
    import_ = _hold(session, import_id, owner)
    if import_ is None:
        return False
    with force_locale(_locale(session)):
        if import_.state is ImportState.UNDOING:
            _take_back(session, import_, now, size)
        else:
            _take(session, import_, (reader or Reader()).batch(session, import_, uploads, size), now)
    return import_.is_busy


def free_import(session: Session, import_id: int, owner: str) -> Import | None:
    """The import, if nobody else is at it."""
    return session.scalars(select(Import).where(Import.id == import_id, _is_free(owner))).one_or_none()


def _is_free(owner: str) -> ColumnElement[bool]:
    return or_(Import.owner == owner, Import.lease_until.is_(None), Import.lease_until < db_now())


def _hold(session: Session, import_id: int, owner: str) -> Import | None:
    """Take or renew the lease. On PostgreSQL this also locks the row until the batch is committed."""
    until = type_coerce(db_now(), BigInteger) + LEASE_SECONDS
    statement = update(Import).where(Import.id == import_id, Import.state.in_(BUSY), _is_free(owner))
    held = session.execute(statement.values(owner=owner, lease_until=until))
    assert isinstance(held, CursorResult)
    return session.get(Import, import_id, populate_existing=True) if held.rowcount else None


def _take(session: Session, import_: Import, batch: Batch, now: datetime) -> None:
    importer = importer_of(import_)
    plan = importer.plan(session, import_, batch.rows, now)
    if import_.state is ImportState.RUNNING:
        importer.apply(session, import_, plan, now)
    rejects = [*batch.rejects, *plan.rejects]
    _keep_rejects(session, import_, rejects)
    _keep_books(import_, plan, len(rejects))
    import_.position, import_.line = batch.end
    # What was chosen by hand counts.
    import_.formats = {**batch.formats, **import_.formats}
    if batch.is_last:
        _end(import_, batch.error, now)


def _file(session: Session, import_: Import, uploads: Path) -> File:
    found, importer = organisation(session), importer_of(import_)
    habits = Habits(zone=time_zone(session) if found else UTC_ZONE, currency=found.currency if found else "EUR")
    columns = mapped(import_, importer.columns(session), habits)
    path = uploads / import_.file
    first = Place(import_.start_position, import_.start_line)
    return File(path, import_.encoding, import_.delimiter, len(import_.header), first, columns, importer)


def _place(import_: Import) -> Place:
    return Place(import_.position, import_.line)


def _locale(session: Session) -> str:
    found = organisation(session)
    return found.locale if found else "en"


def _keep_rejects(session: Session, import_: Import, rejects: Sequence[Reject]) -> None:
    if rejects:
        session.execute(
            insert(ImportReject),
            [
                {"import_id": import_.id, "line": each.line, "reason": each.reason, "row": _storable(each.raw)}
                for each in sorted(rejects, key=lambda each: each.line)
            ],
        )


def _storable(raw: str) -> str:
    """PostgreSQL takes neither NUL nor half a letter."""
    kept = raw[:_KEPT_OF_A_ROW].rstrip("\r\n").replace("\0", "␀")
    return kept.encode("utf-8", "replace").decode()


def _keep_books(import_: Import, plan: Plan, rejected: int) -> None:
    import_.new += plan.new
    import_.changed += plan.changed
    import_.unchanged += plan.unchanged
    import_.rejected += rejected


def _end(import_: Import, problem: str | None, now: datetime) -> None:
    import_.state = ImportState.FAILED if problem else _ENDS[import_.state]
    import_.error, import_.finished_at = problem, now
    import_.owner = import_.lease_until = None


def _take_back(session: Session, import_: Import, now: datetime, size: int) -> None:
    undone = importer_of(import_).undo(session, import_, size, now)
    stayed = dict(import_.stayed)
    for reason, count in undone.stayed.items():
        stayed[reason] = stayed.get(reason, 0) + count
    import_.stayed = stayed
    if not undone.touched:
        import_.state, import_.finished_at = ImportState.UNDONE, now
        import_.owner = import_.lease_until = None
