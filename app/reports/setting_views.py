"""What reports mean, who gets them by mail, and the counts that somebody asked for."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from flask_wtf import FlaskForm
from pydantic import ValidationError
from werkzeug.wrappers import Response as Answer

from app.db import reading, transaction, utc_now
from app.errors import Invalid, NotFound
from app.queue import enqueue
from app.reports import kept, monthly
from app.reports.definitions import define, definitions
from app.reports.forms import DefinitionForm
from app.reports.jobs import count as count_job
from app.reports.kinds import KINDS
from app.reports.models import KeptReport
from app.reports.shelf import blueprint


@blueprint.route("/reports/definitions", methods=["GET", "POST"], endpoint="definitions")
def change() -> str | Answer:
    """What active, lost and bought again mean here."""
    with transaction() as session:
        meant = definitions(session)
        form = DefinitionForm.of(meant)
        if form.validate_on_submit():
            try:
                define(session, **form.chosen())
            except Invalid as refusal:
                form.refuse(refusal)
            else:
                flash(_("Saved."), "success")
                return redirect(url_for(".definitions"))
        reads = monthly.is_reader(session, current_user.id)
    return render_template("reports/definitions.html", form=form, reads=reads, empty=FlaskForm())


@blueprint.post("/reports/monthly")
def read_monthly() -> Answer:
    """Begin or stop getting the monthly report by mail."""
    wanted = request.form.get("wanted") == "yes"
    with transaction() as session:
        monthly.subscribe(session, current_user.id, utc_now()) if wanted else monthly.stop(session, current_user.id)
    flash(_("You will get the report of each month by mail.") if wanted else _("You get no more reports by mail."))
    return redirect(url_for(".definitions"))


@blueprint.post("/reports/counts")
def start_count() -> Answer:
    """Count a report in the background."""
    kind = KINDS.get(request.form.get("kind", ""))
    try:
        query = kind.question(request.form.get("asked", "")) if kind else None
    except ValidationError as error:
        raise Invalid(_("This report cannot be made: check what was asked.")) from error
    if kind is None or query is None:
        raise NotFound(_("There is no such report."))
    with transaction() as session:
        count_id = kept.want(session, kind, query, utc_now())
    enqueue(count_job)
    back = request.form.get("back", "")
    safe = back.startswith("/reports") and "//" not in back and "\\" not in back
    return redirect(back if safe else url_for(".count", count_id=count_id))


@blueprint.get("/reports/counts/<int:count_id>")
def count(count_id: int) -> Answer | str | tuple[str, int, dict[str, str]]:
    """How far a count is; the page around it is loaded again when it has ended."""
    with reading() as session:
        row = session.get(KeptReport, count_id)
    if row is None:
        raise NotFound(_("There is no such report."))
    part = render_template("reports/_count.html", count=row)
    return part if row.is_under_way else (part, 200, {"HX-Refresh": "true"})
