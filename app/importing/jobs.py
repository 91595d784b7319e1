"""The worker's side of imports."""

from contextlib import closing
from uuid import uuid4

from app.bulk import no_collecting
from app.db import database, reading, transaction, utc_now
from app.importing import run
from app.importing.models import Import, ImportState
from app.importing.states import waiting_imports
from app.importing.uploads import clear_away, uploads
from app.queue import enqueue, job

_READS = (ImportState.CHECKING, ImportState.RUNNING)


@job("long")
def go_on(import_id: int) -> None:
    """Work on one import until it has ended."""
    owner, busy, reader = uuid4().hex, True, run.Reader(reads_ahead=True)
    # Taking rows back is where a foreign key that does not hold would matter.
    begin = transaction if _is_undone(import_id) else database().bulk
    with closing(reader):
        while busy:
            with no_collecting():
                _fetch(import_id, owner, reader)
                with begin() as session:
                    busy = run.advance(session, import_id, owner, uploads(), utc_now(), reader=reader)


@job("quick")
def ring() -> None:
    """Ring for every import that is not at its end, and delete the files of those that are."""
    with transaction() as session:
        waiting = waiting_imports(session)
        files = clear_away(session, utc_now())
    for import_id in waiting:
        enqueue(go_on, import_id)
    for file in files:
        file.unlink(missing_ok=True)


def _is_undone(import_id: int) -> bool:
    with reading() as session:
        import_ = session.get(Import, import_id)
        return import_ is not None and import_.state is ImportState.UNDOING


def _fetch(import_id: int, owner: str, reader: run.Reader) -> None:
    """The next batch, outside of any write: to wait for it may take seconds, and others want to write."""
    with reading() as session:
        import_ = run.free_import(session, import_id, owner)
        if import_ and import_.state in _READS:
            reader.fetch(session, import_, uploads())
