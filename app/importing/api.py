"""Imports for machines: upload, look at the mapping, dry run, run, undo; the same steps as in the pages."""

from collections.abc import Callable
from typing import Any

from flask import request
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.importing import states
from app.importing.jobs import go_on
from app.importing.models import Import, ImportReject
from app.importing.schemas import (
    FileIn,
    ImportOut,
    ImportPage,
    MappingIn,
    OptionsIn,
    Page,
    RejectPage,
    UploadQuery,
)
from app.importing.uploads import keep, take_in
from app.importing.words import problem_of
from app.intake import takes_uploads
from app.queue import enqueue

blueprint = for_machines("importing_api", __name__)

_TAGS = ["Imports"]


@blueprint.post("/imports")
@blueprint.input(UploadQuery, location="query", arg_name="query")
@blueprint.input(FileIn, location="files", arg_name="sent")
@blueprint.output(ImportOut, status_code=201)
@blueprint.doc(summary="Upload a CSV file", tags=_TAGS)
@takes_uploads
def upload(query: UploadQuery, sent: dict[str, Any]) -> Import:
    """As the body itself or as `file` of a form. Its columns are recognised; nothing is brought in yet."""
    file = sent.get("file")
    name = keep(file.stream if file else request.stream)
    with transaction() as session:
        return take_in(session, query.kind, name, (file and file.filename) or query.file_name, utc_now())


@blueprint.get("/imports")
@blueprint.input(Page, location="query", arg_name="query")
@blueprint.output(ImportPage)
@blueprint.doc(summary="List imports, the oldest first", tags=_TAGS)
def list_imports(query: Page) -> dict[str, Any]:
    """All of them, by page."""
    with reading() as session:
        return _page(session, select(Import), Import, query)


@blueprint.get("/imports/<int:import_id>")
@blueprint.output(ImportOut)
@blueprint.doc(summary="One import and how far it is", tags=_TAGS, responses=[404])
def get_import(import_id: int) -> Import:
    """Its books balance at every instant."""
    with reading() as session:
        return states.find_import(session, import_id)


@blueprint.get("/imports/<int:import_id>/rejects")
@blueprint.input(Page, location="query", arg_name="query")
@blueprint.output(RejectPage)
@blueprint.doc(summary="The rows that were not taken", tags=_TAGS, responses=[404])
def list_rejects(import_id: int, query: Page) -> dict[str, Any]:
    """With line and reason."""
    with reading() as session:
        states.find_import(session, import_id)
        return _page(session, select(ImportReject).where(ImportReject.import_id == import_id), ImportReject, query)


@blueprint.put("/imports/<int:import_id>/mapping")
@blueprint.input(MappingIn, arg_name="given")
@blueprint.output(ImportOut)
@blueprint.doc(summary="Say which column is what", tags=_TAGS, responses=[404, 409])
def put_mapping(import_id: int, given: MappingIn) -> Import:
    """Before it runs."""
    return _do(import_id, lambda session: states.set_mapping(session, import_id, given.mapping, given.formats))


@blueprint.put("/imports/<int:import_id>/options")
@blueprint.input(OptionsIn, arg_name="given")
@blueprint.output(ImportOut)
@blueprint.doc(summary="Choose what holds for all rows", tags=_TAGS, responses=[404, 409])
def put_options(import_id: int, given: OptionsIn) -> Import:
    """Before it runs. People without a `basis` are kept and not mailed."""
    try:
        return _do(import_id, lambda session: states.set_options(session, import_id, given.options))
    except ValidationError as error:
        raise Invalid(problem_of(error), {"options": problem_of(error)}) from error


@blueprint.post("/imports/<int:import_id>/check")
@blueprint.output(ImportOut, status_code=202)
@blueprint.doc(summary="Begin a dry run", tags=_TAGS, responses=[404, 409])
def check(import_id: int) -> Import:
    """Says what would be new, changed, unchanged and rejected, and changes nothing."""
    return _work(import_id, lambda session: states.check(session, import_id, utc_now()))


@blueprint.post("/imports/<int:import_id>/run")
@blueprint.output(ImportOut, status_code=202)
@blueprint.doc(summary="Bring the rows in", tags=_TAGS, responses=[404, 409])
def run(import_id: int) -> Import:
    """A worker does it, in batches; ask for the import to see how far it is."""
    return _work(import_id, lambda session: states.start(session, import_id, utc_now()))


@blueprint.post("/imports/<int:import_id>/cancel")
@blueprint.output(ImportOut)
@blueprint.doc(summary="Stop before the next batch", tags=_TAGS, responses=[404, 409])
def cancel(import_id: int) -> Import:
    """What was brought in stays until it is undone."""
    return _do(import_id, lambda session: states.cancel(session, import_id, utc_now()))


@blueprint.post("/imports/<int:import_id>/undo")
@blueprint.output(ImportOut, status_code=202)
@blueprint.doc(summary="Take an import back", tags=_TAGS, responses=[404, 409])
def undo(import_id: int) -> Import:
    """New people go, unless they have got mail or done something since; changed ones become what they were."""
    return _work(import_id, lambda session: states.undo(session, import_id))


def _do(import_id: int, verb: Callable[[Session], None]) -> Import:
    with transaction() as session:
        verb(session)
        return session.get_one(Import, import_id, populate_existing=True)


def _work(import_id: int, verb: Callable[[Session], None]) -> Import:
    import_ = _do(import_id, verb)
    enqueue(go_on, import_id)
    return import_


def _page(session: Session, statement: Any, table: Any, query: Page) -> dict[str, Any]:
    found = session.scalars(statement.where(table.id > query.after).order_by(table.id).limit(query.limit + 1)).all()
    shown = found[: query.limit]
    return {"items": shown, "next": shown[-1].id if len(found) > query.limit else None}
