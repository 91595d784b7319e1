"""Reports about people: a segment by month, cohorts, survival, the ladder, RFM, and segments side by side."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, render_template, request
from pydantic import BaseModel

from app.audiences.segment import find
from app.db import reading, utc_now
from app.reports import tables
from app.reports.history import History, history
from app.reports.kinds import COHORTS, MOVES, RFM, SEGMENT, SURVIVAL, Kind, SegmentAsked
from app.reports.query import CohortQuery, HistoryQuery, MovesQuery, RfmQuery, SurvivalQuery, read
from app.reports.shelf import ENDING, arguments, blueprint, file, page, segment_choices, table

Query = TypeVar("Query", bound=BaseModel)
Report = TypeVar("Report")


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


def _both(
    name: str,
    kind: Kind[Query, Report],
    asked: type[Query],
    rows: Callable[[Report], Any],
    named: Callable[[Query], str] = lambda _query: "",
) -> None:
    """The page of a report and the same as a file, whose name says what else was asked."""

    def show() -> str:
        return page(f"reports/{name}.html", kind, read(asked, request.args), _choices)

    def keep(ending: str) -> Response:
        query = read(asked, request.args)
        return table(kind, query, ending, name + named(query), rows)

    blueprint.add_url_rule(f"/reports/{name}", name, show)
    blueprint.add_url_rule(f"/reports/{name}.{ENDING}", f"{name}_file", keep)


_both("cohorts", COHORTS, CohortQuery, tables.cohort_table, lambda asked: f"-{asked.since}-{asked.metric}")
_both("survival", SURVIVAL, SurvivalQuery, tables.survival_table, lambda asked: f"-{asked.of}")
_both("ladder", MOVES, MovesQuery, tables.moves_table)
_both("rfm", RFM, RfmQuery, tables.rfm_table)


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
