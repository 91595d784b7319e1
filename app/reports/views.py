"""The pages of reports: each shows a value, or gives it as CSV."""

from typing import Any

from flask import Response, render_template, request, url_for
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.audiences.segment import current_segments
from app.campaigns.schedule import find as find_campaign
from app.db import reading, utc_now
from app.reports import charts, tables
from app.reports.campaign_report import campaign_report
from app.reports.cohorts import cohort_grid
from app.reports.comparison import compare_campaigns, compare_segments
from app.reports.feed import latest
from app.reports.growth import growth
from app.reports.overview import overview, setup, tier_spread
from app.reports.periods import months_until
from app.reports.query import CohortQuery, SegmentQuery, read
from app.reports.scope import SMALLEST_GROUP
from app.reports.segment_report import SegmentReport, segment_report
from app.scoring.tiers import all_tiers, tier_label

home = for_marketers("overview", __name__)
blueprint = for_marketers("reports", __name__)

_GROWTH_MONTHS = 12
_COMPARED = 20
_LATEST = 5


@home.context_processor
@blueprint.context_processor
def _words() -> dict[str, Any]:
    """What the templates call."""
    return {"charts": charts, "tier_label": tier_label}


@home.get("/")
def index() -> str:
    """How things stand."""
    now = utc_now()
    with reading() as session:
        return render_template(
            "reports/overview.html",
            report=overview(session, now),
            setup=setup(session),
            campaigns=compare_campaigns(session, _LATEST),
            feed=latest(session),
            ranks=_ranks(session),
        )


@blueprint.get("/reports/", endpoint="index")
def list_reports() -> str:
    """Segments and campaigns side by side, growth, tiers."""
    now = utc_now()
    with reading() as session:
        return render_template(
            "reports/index.html",
            segments=compare_segments(session, now),
            campaigns=compare_campaigns(session, _COMPARED),
            growth=growth(session, months_until(session, None, _GROWTH_MONTHS, now), now),
            tiers=tier_spread(session),
            ranks=_ranks(session),
        )


@blueprint.get("/campaigns/<int:campaign_id>/report")
def campaign(campaign_id: int) -> str:
    """The last step of a campaign."""
    with reading() as session:
        found = find_campaign(session, campaign_id)
        report = campaign_report(session, campaign_id, utc_now())
        return render_template(
            "reports/campaign.html",
            campaign=found,
            report=report,
            step="report",
            smallest=SMALLEST_GROUP,
            ranks=_ranks(session),
        )


@blueprint.get("/campaigns/<int:campaign_id>/report.csv")
def campaign_csv(campaign_id: int) -> Response:
    """The same as a file."""
    with reading() as session:
        report = campaign_report(session, campaign_id, utc_now())
    return tables.csv_answer(f"campaign-{campaign_id}", tables.campaign_table(report))


@blueprint.get("/reports/everybody", defaults={"segment_id": None}, endpoint="everybody")
@blueprint.get("/reports/segments/<int:segment_id>")
def segment(segment_id: int | None) -> str:
    """A segment month by month."""
    query = read(SegmentQuery, request.args)
    with reading() as session:
        report = segment_report(session, segment_id, query, utc_now())
    page = ".segment_csv" if segment_id else ".everybody_csv"
    address = url_for(page, segment_id=segment_id, **_arguments(query))
    return render_template("reports/segment.html", report=report, query=query, csv_url=address)


@blueprint.get("/reports/everybody.csv", defaults={"segment_id": None}, endpoint="everybody_csv")
@blueprint.get("/reports/segments/<int:segment_id>.csv")
def segment_csv(segment_id: int | None) -> Response:
    """The same as a file."""
    with reading() as session:
        report = segment_report(session, segment_id, read(SegmentQuery, request.args), utc_now())
    return tables.csv_answer(_file_name(report), tables.segment_table(report))


@blueprint.get("/reports/cohorts")
def cohorts() -> str:
    """The grid."""
    query = read(CohortQuery, request.args)
    with reading() as session:
        return render_template(
            "reports/cohorts.html",
            grid=cohort_grid(session, query, utc_now()),
            query=query,
            csv_url=url_for(".cohorts_csv", **_arguments(query)),
            segments=[(segment.id, segment.name) for segment in current_segments(session)],
        )


@blueprint.get("/reports/cohorts.csv")
def cohorts_csv() -> Response:
    """The same as a file."""
    query = read(CohortQuery, request.args)
    with reading() as session:
        grid = cohort_grid(session, query, utc_now())
    return tables.csv_answer(f"cohorts-{query.since}-{query.metric}", tables.cohort_table(grid))


def _ranks(session: Session) -> dict[str, int]:
    """The tiers from the lowest, which is 0: badges are coloured by it."""
    return {tier.name: rank for rank, tier in enumerate(all_tiers(session))}


def _arguments(query: SegmentQuery | CohortQuery) -> dict[str, Any]:
    """The query as an address says it."""
    return query.model_dump(mode="json", exclude_none=True)


def _file_name(report: SegmentReport) -> str:
    return f"segment-{report.segment_id}" if report.segment_id else "everybody"
