"""Reports about people: a segment by month, cohorts, survival, the ladder, RFM, and segments side by side."""

from typing import Any

from flask import Response, render_template, request

from app.audiences.segment import find
from app.db import reading, utc_now
from app.reports import tables
from app.reports.history import History, history
from app.reports.kinds import COHORTS, MOVES, RFM, SEGMENT, SURVIVAL, SegmentAsked
from app.reports.query import CohortQuery, HistoryQuery, MovesQuery, RfmQuery, SurvivalQuery, read
from app.reports.shelf import ENDING, arguments, blueprint, file, page, segment_choices, table


@blueprint.get("/reports/everybody", defaults={"segment_id": None}, endpoint="everybody")
@blueprint.get("/reports/segments/<int:segment_id>")
def segment(segment_id: int | None) -> str:
    """A segment month by month."""
    return page("reports/segment.html", SEGMENT, _segment_asked(segment_id))


@blueprint.get(f"/reports/everybody.{ENDING}", defaults={"segment_id": None}, endpoint="everybody_file")
@blueprint.get(f"/reports/segments/<int:segment_id>.{ENDING}")
def segment_file(segment_id: int | None, ending: str) -> Response:
    """The same as a file."""
    name = f"segment-{segment_id}" if segment_id else "everybody"
    return table(SEGMENT, _segment_asked(segment_id), ending, name, tables.segment_table)


@blueprint.get("/reports/cohorts")
def cohorts() -> str:
    """The grid."""
    return page("reports/cohorts.html", COHORTS, read(CohortQuery, request.args), _choices)


@blueprint.get(f"/reports/cohorts.{ENDING}")
def cohorts_file(ending: str) -> Response:
    """The same as a file."""
    query = read(CohortQuery, request.args)
    return table(COHORTS, query, ending, f"cohorts-{query.since}-{query.metric}", tables.cohort_table)


@blueprint.get("/reports/survival")
def survival() -> str:
    """How long people stay."""
    return page("reports/survival.html", SURVIVAL, read(SurvivalQuery, request.args), _choices)


@blueprint.get(f"/reports/survival.{ENDING}")
def survival_file(ending: str) -> Response:
    """The same as a file."""
    query = read(SurvivalQuery, request.args)
    return table(SURVIVAL, query, ending, f"survival-{query.of}", tables.survival_table)


@blueprint.get("/reports/ladder")
def ladder() -> str:
    """Who moved where."""
    return page("reports/ladder.html", MOVES, read(MovesQuery, request.args), _choices)


@blueprint.get(f"/reports/ladder.{ENDING}")
def ladder_file(ending: str) -> Response:
    """The same as a file."""
    return table(MOVES, read(MovesQuery, request.args), ending, "ladder", tables.moves_table)


@blueprint.get("/reports/rfm")
def rfm() -> str:
    """Who buys how."""
    return page("reports/rfm.html", RFM, read(RfmQuery, request.args), _choices)


@blueprint.get(f"/reports/rfm.{ENDING}")
def rfm_file(ending: str) -> Response:
    """The same as a file."""
    return table(RFM, read(RfmQuery, request.args), ending, "rfm", tables.rfm_table)


@blueprint.get("/reports/history", endpoint="history")
def side_by_side() -> str:
    """All segments over months, from the daily rows."""
    query = read(HistoryQuery, request.args)
    return render_template("reports/history.html", report=_history(query), query=query)


@blueprint.get(f"/reports/history.{ENDING}")
def history_file(ending: str) -> Response:
    """The same as a file."""
    return file("segments", ending, tables.history_table(_history(read(HistoryQuery, request.args))))


def _segment_asked(segment_id: int | None) -> SegmentAsked:
    with reading() as session:
        if segment_id is not None:
            find(session, segment_id)
    return read(SegmentAsked, {**arguments(), **({"segment_id": str(segment_id)} if segment_id else {})})


def _choices(session: Any) -> dict[str, Any]:
    return {"segments": segment_choices(session)}


def _history(query: HistoryQuery) -> History:
    with reading() as session:
        return history(session, query, utc_now())
