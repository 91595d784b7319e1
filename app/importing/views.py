"""Imports, for marketers: upload, columns, options, dry run, run, undo. Every step is a page of its own.

The verbs are in `states.py`; what takes time is done by a worker.
"""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy import func, select
from werkzeug.wrappers import Response as Answer

from app.accounts.access import for_marketers
from app.db import reading, transaction, utc_now
from app.errors import Refused
from app.importing import states
from app.importing.forms import chosen_columns, upload_form
from app.importing.jobs import go_on
from app.importing.models import Import, ImportReject
from app.importing.uploads import first_rows, keep, take_in
from app.importing.words import column_choices, format_choices, problem_of, shown_state, writing_of
from app.intake import takes_uploads
from app.queue import enqueue
from app.spreadsheet import download

blueprint = for_marketers("importing", __name__, url_prefix="/imports")

_SHOWN_REJECTS = 50
_PAGE = 50


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {"shown_state": shown_state, "importer_of": states.importer_of}


@blueprint.get("/")
def index() -> str:
    """All imports, the newest first."""
    with reading() as session:
        imports = session.scalars(select(Import).order_by(Import.id.desc()).limit(_PAGE)).all()
        return render_template("importing/index.html", imports=imports)


@blueprint.route("/new", methods=["GET", "POST"])
@takes_uploads
def new() -> str | Answer | tuple[str, int]:
    """Upload a file."""
    form = upload_form(request.args.get("kind"))
    if not form.validate_on_submit():
        return render_template("importing/new.html", form=form), 422 if form.is_submitted() else 200
    try:
        name = keep(form.file.data.stream)
        with transaction() as session:
            import_ = take_in(session, form.kind.data, name, form.file.data.filename or "", utc_now())
    except Refused as error:
        form.file.errors = [error.message]
        return render_template("importing/new.html", form=form), 422
    return redirect(url_for(".columns", import_id=import_.id))


@blueprint.get("/<int:import_id>/columns")
def columns(import_id: int) -> str:
    """Which column is what, with the first rows beside it."""
    return _columns_page(import_id)


@blueprint.post("/<int:import_id>/columns")
def save_columns(import_id: int) -> Answer | tuple[str, int]:
    """Keep the mapping and go on to the options."""
    mapping, formats = chosen_columns(request.form)
    try:
        with transaction() as session:
            states.set_mapping(session, import_id, mapping, formats)
    except Refused as error:
        return _columns_page(import_id, mapping, formats, error.message), error.status
    return redirect(url_for(".options", import_id=import_id))


@blueprint.route("/<int:import_id>/options", methods=["GET", "POST"])
def options(import_id: int) -> str | Answer | tuple[str, int]:
    """What holds for the whole file; then the dry run begins."""
    with transaction() as session:
        import_ = states.find_import(session, import_id)
        form = states.importer_of(import_).form(session, import_.options)
        problem = None
        if form.validate_on_submit():
            problem = _begin_check(session, import_id, form.data)
        if problem or not form.is_submitted() or form.errors:
            page = render_template("importing/options.html", import_=import_, form=form, problem=problem)
            return page, 422 if form.is_submitted() else 200
    enqueue(go_on, import_id)
    return redirect(url_for(".show", import_id=import_id))


@blueprint.get("/<int:import_id>")
def show(import_id: int) -> str:
    """Where it is, and what came of it."""
    return _show("importing/show.html", import_id)


@blueprint.get("/<int:import_id>/progress")
def progress(import_id: int) -> str:
    """The changing part of the page, asked for every two seconds."""
    return _show("importing/_state.html", import_id)


@blueprint.post("/<int:import_id>/run")
def run(import_id: int) -> Answer:
    """Bring the rows in."""
    with transaction() as session:
        states.start(session, import_id, utc_now())
    enqueue(go_on, import_id)
    return redirect(url_for(".show", import_id=import_id))


@blueprint.post("/<int:import_id>/cancel")
def cancel(import_id: int) -> Answer:
    """Stop before the next batch."""
    with transaction() as session:
        states.cancel(session, import_id, utc_now())
    flash(_("The import was stopped. Rows that were in already can be taken back."), "info")
    return redirect(url_for(".show", import_id=import_id))


@blueprint.post("/<int:import_id>/undo")
def undo(import_id: int) -> Answer:
    """Take everything back."""
    with transaction() as session:
        states.undo(session, import_id)
    enqueue(go_on, import_id)
    return redirect(url_for(".show", import_id=import_id))


@blueprint.get("/<int:import_id>/rejects.csv")
def rejects(import_id: int) -> Response:
    """The rows that were not taken, to be mended and brought in again."""
    with reading() as session:
        states.find_import(session, import_id)
        statement = select(ImportReject.line, ImportReject.reason, ImportReject.row)
        found = session.execute(statement.where(ImportReject.import_id == import_id).order_by(ImportReject.line)).all()
    rows = ((each.line, each.reason, each.row) for each in found)
    return download(f"rejected-{import_id}", [(_("Line"), _("Reason"), _("Row")), *rows])


def _columns_page(
    import_id: int,
    mapping: dict[str, str] | None = None,
    formats: dict[str, str] | None = None,
    problem: str | None = None,
) -> str:
    with reading() as session:
        import_ = states.find_import(session, import_id)
        importer = states.importer_of(import_)
        known = importer.columns(session)
        return render_template(
            "importing/columns.html",
            import_=import_,
            mapping=import_.mapping if mapping is None else mapping,
            formats=import_.formats if formats is None else formats,
            rows=first_rows(import_),
            choices=column_choices(importer, known),
            writing=writing_of(known),
            formats_of=format_choices(),
            problem=problem,
        )


def _begin_check(session: Any, import_id: int, sent: dict[str, Any]) -> str | None:
    """Keep the options and begin the dry run; the sentence to show if they make no sense."""
    try:
        states.set_options(session, import_id, {name: value for name, value in sent.items() if name != "csrf_token"})
    except ValidationError as error:
        return problem_of(error)
    states.check(session, import_id, utc_now())
    return None


def _show(template: str, import_id: int) -> str:
    with reading() as session:
        import_ = states.find_import(session, import_id)
        mine = ImportReject.import_id == import_id
        statement = select(ImportReject).where(mine).order_by(ImportReject.line).limit(_SHOWN_REJECTS)
        total = session.scalar(select(func.count()).select_from(ImportReject).where(mine)) or 0
        return render_template(template, import_=import_, rejects=session.scalars(statement).all(), rejected=total)
