"""What all report pages share: the blueprint, files to keep, and the page shown while something is counted."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from flask import Response, render_template, request, url_for
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.audiences.segment import current_segments
from app.db import reading, utc_now
from app.reports import charts, words
from app.reports.kept import Answer, answer
from app.reports.kinds import Kind
from app.reports.scope import SMALLEST_GROUP
from app.scoring.tiers import tier_label
from app.spreadsheet import Cell, download, workbook

blueprint = for_marketers("reports", __name__)

Query = TypeVar("Query", bound=BaseModel)
Report = TypeVar("Report")
# Files to keep: `/reports/….csv` and `/reports/….xlsx`.
ENDING = "<any(csv, xlsx):ending>"


def template_words() -> dict[str, Any]:
    """What the templates call."""
    return {"charts": charts, "files": files, "tier_label": tier_label, "words": words, "smallest": SMALLEST_GROUP}


blueprint.context_processor(template_words)


def page(
    template: str,
    kind: Kind[Query, Report],
    query: Query,
    more: Callable[[Session], dict[str, Any]] = lambda _session: {},
    uncounted: str = "reports/counting.html",
) -> str:
    """The page of a report; while there is none, `uncounted`, which offers to count it."""
    with reading() as session:
        found = answer(session, kind, query, utc_now())
        shown = {"report": found.report, "query": query, "count": found.count, "kind": kind, "asked": kind.asked(query)}
        shown |= more(session)
    return render_template(template if found.report else uncounted, **shown)


def table(kind: Kind[Query, Report], query: Query, ending: str, name: str, rows: Callable[[Report], Any]) -> Response:
    """The same report as a file; a page that says so where nothing is kept yet."""
    with reading() as session:
        found: Answer[Report] = answer(session, kind, query, utc_now())
    if found.report is None:
        shown = {"report": None, "query": query, "count": found.count, "kind": kind, "asked": kind.asked(query)}
        return Response(render_template("reports/counting.html", **shown))
    return file(name, ending, rows(found.report))


def file(name: str, ending: str, rows: Iterable[Sequence[Cell]]) -> Response:
    """A table to keep, as CSV or as a workbook."""
    return workbook(name, rows) if ending == "xlsx" else download(name, rows)


def files(endpoint: str, query: BaseModel) -> list[tuple[str, str]]:
    """(name, address) of the files of a report."""
    arguments = query.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return [(ending.upper(), url_for(endpoint, ending=ending, **arguments)) for ending in ("csv", "xlsx")]


def segment_choices(session: Session) -> list[tuple[int, str]]:
    """The segments to choose from."""
    return [(segment.id, segment.name) for segment in current_segments(session)]


def arguments() -> dict[str, str]:
    """What the address asks, without what is empty."""
    return {name: value for name, value in request.args.items() if value}
