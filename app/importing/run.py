"""Works on an import, one batch per transaction: the rows, the books and the place to go on from change together.

So a worker may be killed at any instant: what was committed is counted, what was not never happened, and the next
worker goes on at the byte behind the last batch. In charge of: that, the lease that keeps two workers off one import,
and the rejects. Not of: what a row does (each Importer), nor of beginning and stopping (`states.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import BigInteger, CursorResult, insert, or_, type_coerce, update
from sqlalchemy.orm import Session

from app.accounts.organisation import UTC_ZONE, organisation, time_zone
from app.db import db_now
from app.importing.columns import mapped, read_row
from app.importing.importer import Plan, Reject, Row
from app.importing.models import BUSY, Import, ImportReject, ImportState
from app.importing.reading import Place, Record, UnreadableError, records
from app.importing.repeats import count_repeats, forget_keys
from app.importing.states import importer_of
from app.importing.values import Habits

BATCH = 5000
# Longer than a batch takes on the slowest machine; after a kill, so long nobody goes on.
LEASE_SECONDS = 60
_KEPT_OF_A_ROW = 4000
_ENDS = {ImportState.CHECKING: ImportState.CHECKED, ImportState.RUNNING: ImportState.DONE}


def advance(session: Session, import_id: int, owner: str, uploads: Path, now: datetime, size: int = BATCH) -> bool:
    """Do the next batch of a busy import; False when there is none, or another worker is at it."""
    import_ = _hold(session, import_id, owner)
    if import_ is None:
        return False
    found = organisation(session)
    with force_locale(found.locale if found else "en"):
        if import_.state is ImportState.UNDOING:
            _take_back(session, import_, now, size)
        else:
            _take(session, import_, uploads / import_.file, now, size)
    return import_.is_busy


def _hold(session: Session, import_id: int, owner: str) -> Import | None:
    """Take or renew the lease. On PostgreSQL this also locks the row until the batch is committed."""
    is_free = or_(Import.owner == owner, Import.lease_until.is_(None), Import.lease_until < db_now())
    until = type_coerce(db_now(), BigInteger) + LEASE_SECONDS
    statement = update(Import).where(Import.id == import_id, Import.state.in_(BUSY), is_free)
    held = session.execute(statement.values(owner=owner, lease_until=until))
    assert isinstance(held, CursorResult)
    return session.get(Import, import_id, populate_existing=True) if held.rowcount else None


def _take(session: Session, import_: Import, file: Path, now: datetime, size: int) -> None:
    batch, problem = _read(import_, file, size)
    importer = importer_of(import_)
    rows, broken = _typed(session, import_, batch)
    counted = count_repeats(session, import_.id, rows, importer.key)
    plan = importer.plan(session, import_, counted, now)
    if import_.state is ImportState.RUNNING:
        importer.apply(session, import_, plan, now)
    rejects = [*broken, *plan.rejects]
    _keep_rejects(session, import_, rejects)
    _keep_books(import_, plan, len(rejects))
    if batch:
        import_.position, import_.line = batch[-1].end.position, batch[-1].end.line
    if problem or len(batch) < size:
        _end(session, import_, problem, now)


def _read(import_: Import, file: Path, size: int) -> tuple[list[Record], str | None]:
    """Up to `size` records, and why there will be no more if the file cannot be read to its end."""
    batch: list[Record] = []
    try:
        start = Place(import_.position, import_.line)
        for record in islice(records(file, import_.encoding, import_.delimiter, start), size):
            batch.append(record)  # noqa: PERF402 - what came before an error counts
    except UnreadableError as error:
        return batch, str(error)
    except FileNotFoundError:
        return [], _("The uploaded file is gone. Upload it again.")
    return batch, None


def _typed(session: Session, import_: Import, batch: Iterable[Record]) -> tuple[list[Row], list[Reject]]:
    found = organisation(session)
    habits = Habits(zone=time_zone(session) if found else UTC_ZONE, currency=found.currency if found else "EUR")
    columns = mapped(import_, importer_of(import_).columns(session), habits)
    width = len(import_.header)
    read = [read_row(record, columns, width) for record in batch]
    return [each for each in read if isinstance(each, Row)], [each for each in read if isinstance(each, Reject)]


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


def _end(session: Session, import_: Import, problem: str | None, now: datetime) -> None:
    import_.state = ImportState.FAILED if problem else _ENDS[import_.state]
    import_.error, import_.finished_at = problem, now
    import_.owner = import_.lease_until = None
    forget_keys(session, import_.id)


def _take_back(session: Session, import_: Import, now: datetime, size: int) -> None:
    undone = importer_of(import_).undo(session, import_, size, now)
    stayed = dict(import_.stayed)
    for reason, count in undone.stayed.items():
        stayed[reason] = stayed.get(reason, 0) + count
    import_.stayed = stayed
    if not undone.touched:
        import_.state, import_.finished_at = ImportState.UNDONE, now
        import_.owner = import_.lease_until = None
