"""Reports for machines: the same values as the pages."""

from app.accounts.access import for_machines
from app.db import reading, utc_now
from app.reports.campaign_report import campaign_report
from app.reports.cohorts import cohort_grid
from app.reports.overview import overview
from app.reports.query import CohortQuery, SegmentQuery
from app.reports.schemas import CampaignReportOut, CohortGridOut, OverviewOut, SegmentReportOut
from app.reports.segment_report import segment_report

blueprint = for_machines("reports_api", __name__)

_TAGS = ["Reports"]


@blueprint.get("/reports/overview")
@blueprint.output(OverviewOut)
@blueprint.doc(summary="The last 30 days and the 30 before", tags=_TAGS)
def get_overview() -> OverviewOut:
    """Subscribers, mails, opens and clicks by day, tiers."""
    with reading() as session:
        return OverviewOut(overview(session, utc_now()))


@blueprint.get("/reports/campaigns/<int:campaign_id>")
@blueprint.output(CampaignReportOut)
@blueprint.doc(summary="What a campaign came to", tags=_TAGS)
def get_campaign_report(campaign_id: int) -> CampaignReportOut:
    """Money is in minor units, rates are in percent of the people measured personally."""
    with reading() as session:
        return CampaignReportOut(campaign_report(session, campaign_id, utc_now()))


@blueprint.get("/reports/segments/<int:segment_id>")
@blueprint.input(SegmentQuery, location="query", arg_name="query")
@blueprint.output(SegmentReportOut)
@blueprint.doc(summary="A segment by month: engagement, retention, repeat rate", tags=_TAGS)
def get_segment_report(segment_id: int, query: SegmentQuery) -> SegmentReportOut:
    """Retention is ((E − N) / S) · 100, churn lost / S · 100."""
    with reading() as session:
        return SegmentReportOut(segment_report(session, segment_id, query, utc_now()))


@blueprint.get("/reports/everybody")
@blueprint.input(SegmentQuery, location="query", arg_name="query")
@blueprint.output(SegmentReportOut)
@blueprint.doc(summary="All people by month: engagement, retention, repeat rate", tags=_TAGS)
def get_report_of_everybody(query: SegmentQuery) -> SegmentReportOut:
    """As for a segment."""
    with reading() as session:
        return SegmentReportOut(segment_report(session, None, query, utc_now()))


@blueprint.get("/reports/cohorts")
@blueprint.input(CohortQuery, location="query", arg_name="query")
@blueprint.output(CohortGridOut)
@blueprint.doc(summary="The cohort grid: month joined by months since", tags=_TAGS)
def get_cohorts(query: CohortQuery) -> CohortGridOut:
    """A share is in percent of the cohort."""
    with reading() as session:
        return CohortGridOut(cohort_grid(session, query, utc_now()))
