"""The worker's side of imports."""

from contextlib import closing
from uuid import uuid4

from sqlalchemy import update

from app.bulk import no_collecting
from app.db import database, reading, transaction, utc_now
from app.importing import run
from app.importing.models import Import, ImportState
from app.importing.states import waiting_imports
from app.importing.survey import survey
from app.importing.uploads import clear_away, uploads
from app.queue import enqueue, job

_READS = (ImportState.CHECKING, ImportState.RUNNING)


@job("long")
def go_on(import_id: int) -> None:
    """Work on one import until it has ended."""
    _ask_columns(import_id)
    owner, busy, reader = uuid4().hex, True, run.Reader(reads_ahead=True)
    # Taking rows back is where a foreign key that does not hold would matter.
    begin = transaction if _is_undone(import_id) else database().bulk
    with closing(reader):
        while busy:
            with no_collecting(), begin() as session:
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


def _ask_columns(import_id: int) -> None:
    """Survey the file once, outside of any write: it takes seconds, and others want to write."""
    with reading() as session:
        import_ = session.get(Import, import_id)
        if import_ is None or import_.is_surveyed or import_.state not in _READS:
            return
        with no_collecting():
            found = survey(session, import_, uploads() / import_.file)
    with transaction() as session:
        formats = {**found, **import_.formats}
        unasked = update(Import).where(Import.id == import_id, Import.is_surveyed.is_(False))
        session.execute(unasked.values(formats=formats, is_surveyed=True))
