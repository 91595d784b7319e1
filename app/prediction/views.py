"""The page of what is expected, and the card on a customer's page."""

from flask import Response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from app.accounts.access import for_marketers
from app.db import reading, transaction, utc_now
from app.feature import ProfileCard
from app.prediction.check import MOST
from app.prediction.fit import want_fit
from app.prediction.jobs import predict
from app.prediction.models import Prediction
from app.prediction.page import Outlook, outlook
from app.queue import enqueue
from app.spreadsheet import Cell, download, workbook

blueprint = for_marketers("prediction", __name__, url_prefix="/reports/prediction")


@blueprint.get("/")
def index() -> str:
    """What customers will do, and how wrong that has been."""
    with reading() as session:
        found = outlook(session)
    return render_template("prediction/index.html", report=found, chart=_calibration(found), form=FlaskForm())


@blueprint.get("/calibration.<any(csv, xlsx):ending>")
def calibration(ending: str) -> Response:
    """The check as a file."""
    with reading() as session:
        found = outlook(session).check
    rows: list[tuple[Cell, ...]] = [("repeats", "people", "expected_per_person", "actual_per_person")]
    rows += [(of.repeats, of.people, of.expected, of.actual) for of in (found.groups if found else ())]
    return (workbook if ending == "xlsx" else download)("calibration", rows)


@blueprint.post("/fit")
def fit() -> Answer:
    """Predict anew, now."""
    with transaction() as session:
        want_fit(session, utc_now())
    enqueue(predict)
    return redirect(url_for(".index"))


def card(session: Session, subscriber_id: int) -> ProfileCard | None:
    """What is expected of one customer."""
    found = session.get(Prediction, subscriber_id)
    return ProfileCard("prediction/_card.html", {"prediction": found}) if found else None


def _calibration(report: Outlook) -> dict[str, object]:
    groups = report.check.groups if report.check else ()
    return {
        "labels": [_("%(n)s or more", n=of.repeats) if of.repeats == MOST else str(of.repeats) for of in groups],
        "series": [
            {"name": _("Expected"), "values": [round(of.expected, 3) for of in groups]},
            {"name": _("Actual"), "values": [round(of.actual, 3) for of in groups]},
        ],
        "unit": "decimal",
        "axis": _("Bought again before"),
    }
