"""The worker's side of imports."""

from uuid import uuid4

from sqlalchemy import update

from app.bulk import no_collecting
from app.db import reading, transaction, utc_now
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
    owner, busy = uuid4().hex, True
    while busy:
        with no_collecting(), transaction() as session:
            busy = run.advance(session, import_id, owner, uploads(), utc_now())


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


def _ask_columns(import_id: int) -> None:
    """Survey the file once, outside of any write: it takes seconds, and others want to write."""
    with reading() as session:
        import_ = session.get(Import, import_id)
        if import_ is None or import_.is_surveyed or import_.state not in _READS:
            return
        found = survey(session, import_, uploads() / import_.file)
    with transaction() as session:
        formats = {**found, **import_.formats}
        unasked = update(Import).where(Import.id == import_id, Import.is_surveyed.is_(False))
        session.execute(unasked.values(formats=formats, is_surveyed=True))
