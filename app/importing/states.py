"""The life of an import: who may move it from which state to which, each move one conditional UPDATE.

Not in charge of: the work in the busy states (`run.py`), nor of files (`uploads.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.feature import house
from app.importing.columns import NEW, check_mapping, fitting
from app.importing.importer import Importer
from app.importing.models import BUSY, Import, ImportReject, ImportState

_READY = (ImportState.UPLOADED, ImportState.CHECKED)
_UNDOABLE = (ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED)


def find_import(session: Session, import_id: int) -> Import:
    """The import, or NotFound; also where the feature it belonged to is gone."""
    found = session.get(Import, import_id)
    if found is None or found.kind not in house().importers:
        raise NotFound(_("There is no such import."))
    return found


def importer_of(import_: Import) -> Importer:
    """What its rows are."""
    return house().importers[import_.kind]


def set_mapping(session: Session, import_id: int, mapping: dict[str, str], formats: dict[str, str]) -> None:
    """Say which column is what, and how it is written where that is known better than by looking."""
    import_ = find_import(session, import_id)
    mapping = _with_new_columns(session, import_, mapping)
    columns = importer_of(import_).columns(session)
    check_mapping(mapping, import_.header, columns)
    values = {"mapping": mapping, "formats": fitting(formats, mapping, columns)}
    _move(session, import_id, _READY, ImportState.UPLOADED, **values)


def set_options(session: Session, import_id: int, options: dict[str, Any]) -> None:
    """Choose what holds for all rows; raise pydantic's ValidationError where that makes no sense."""
    checked = importer_of(find_import(session, import_id)).options.model_validate(options)
    _move(session, import_id, _READY, ImportState.UPLOADED, options=checked.model_dump(mode="json"))


def check(session: Session, import_id: int, now: datetime) -> None:
    """Begin a dry run."""
    _begin(session, import_id, ImportState.CHECKING, now)


def start(session: Session, import_id: int, now: datetime) -> None:
    """Begin in earnest."""
    _begin(session, import_id, ImportState.RUNNING, now)


def cancel(session: Session, import_id: int, now: datetime) -> None:
    """Stop before the next batch; what was taken stays until it is undone."""
    sources = (*_READY, ImportState.CHECKING, ImportState.RUNNING)
    _move(session, import_id, sources, ImportState.CANCELLED, finished_at=now)


def undo(session: Session, import_id: int) -> None:
    """Begin to take everything back."""
    _move(session, import_id, _UNDOABLE, ImportState.UNDOING, stayed={}, owner=None, lease_until=None)


def waiting_imports(session: Session) -> Sequence[int]:
    """Those that a worker should be at."""
    return session.scalars(select(Import.id).where(Import.state.in_(BUSY)).order_by(Import.id)).all()


def _with_new_columns(session: Session, import_: Import, mapping: dict[str, str]) -> dict[str, str]:
    """Make the columns that `new:<kind>` asks for; they are named as in the file."""
    importer = importer_of(import_)
    kinds = {NEW + kind for kind, _label in importer.new_kinds}
    adopted = dict(mapping)
    for number, name in mapping.items():
        if importer.add_column and name in kinds and number.isdecimal() and int(number) < len(import_.header):
            adopted[number] = importer.add_column(session, import_.header[int(number)], name.removeprefix(NEW))
    return adopted


def _begin(session: Session, import_id: int, state: ImportState, now: datetime) -> None:
    import_ = find_import(session, import_id)
    check_mapping(import_.mapping, import_.header, importer_of(import_).columns(session))
    beginning = {"position": import_.start_position, "line": import_.start_line, "started_at": now}
    books = {"new": 0, "changed": 0, "unchanged": 0, "rejected": 0, "error": None, "owner": None, "lease_until": None}
    _move(session, import_id, _READY, state, **beginning, **books)
    session.execute(delete(ImportReject).where(ImportReject.import_id == import_id))


def _move(session: Session, import_id: int, sources: Sequence[ImportState], state: ImportState, **values: Any) -> None:
    statement = update(Import).where(Import.id == import_id, Import.state.in_(sources)).values(state=state, **values)
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        find_import(session, import_id)
        raise Conflict(_("The import has moved on. Reload the page to see where it is."))
