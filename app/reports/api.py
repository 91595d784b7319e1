"""Reports for machines: the same values as the pages."""

from datetime import datetime
from typing import Any, TypeVar

from flask_babel import gettext as _
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.audiences.segment import find
from app.campaigns.schedule import find as find_campaign
from app.db import reading, transaction, utc_now
from app.errors import Conflict, NotFound
from app.queue import enqueue
from app.reports import kept
from app.reports.history import history
from app.reports.jobs import count as count_job
from app.reports.kinds import CAMPAIGN, COHORTS, KINDS, MOVES, RFM, SEGMENT, SURVIVAL, CampaignAsked, Kind, SegmentAsked
from app.reports.models import KeptReport
from app.reports.overview import overview
from app.reports.query import CohortQuery, HistoryQuery, MovesQuery, RfmQuery, SegmentQuery, SurvivalQuery
from app.reports.schemas import (
    CampaignReportOut,
    CohortGridOut,
    CountIn,
    CountOut,
    HistoryOut,
    MovesOut,
    OverviewOut,
    RfmOut,
    SegmentReportOut,
    SurvivalOut,
)

blueprint = for_machines("reports_api", __name__)

Query = TypeVar("Query", bound=BaseModel)
Report = TypeVar("Report")
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
        find_campaign(session, campaign_id)
        return CampaignReportOut(_answer(session, CAMPAIGN, CampaignAsked(campaign_id=campaign_id), utc_now()))


@blueprint.get("/reports/segments/<int:segment_id>")
@blueprint.input(SegmentQuery, location="query", arg_name="query")
@blueprint.output(SegmentReportOut)
@blueprint.doc(summary="A segment by month: engagement, retention, repeat rate, value", tags=_TAGS)
def get_segment_report(segment_id: int, query: SegmentQuery) -> SegmentReportOut:
    """Retention is ((E − N) / S) · 100, churn lost / S · 100."""
    with reading() as session:
        find(session, segment_id)
        asked = SegmentAsked(segment_id=segment_id, **query.model_dump())
        return SegmentReportOut(_answer(session, SEGMENT, asked, utc_now()))


@blueprint.get("/reports/everybody")
@blueprint.input(SegmentQuery, location="query", arg_name="query")
@blueprint.output(SegmentReportOut)
@blueprint.doc(summary="All people by month: engagement, retention, repeat rate, value", tags=_TAGS)
def get_report_of_everybody(query: SegmentQuery) -> SegmentReportOut:
    """As for a segment."""
    with reading() as session:
        return SegmentReportOut(_answer(session, SEGMENT, SegmentAsked(**query.model_dump()), utc_now()))


@blueprint.get("/reports/cohorts")
@blueprint.input(CohortQuery, location="query", arg_name="query")
@blueprint.output(CohortGridOut)
@blueprint.doc(summary="The cohort grid: month joined by months since", tags=_TAGS)
def get_cohorts(query: CohortQuery) -> CohortGridOut:
    """A share is in percent of the cohort; cohorts of fewer than 10 people have no months."""
    with reading() as session:
        return CohortGridOut(_answer(session, COHORTS, query, utc_now()))


@blueprint.get("/reports/survival")
@blueprint.input(SurvivalQuery, location="query", arg_name="query")
@blueprint.output(SurvivalOut)
@blueprint.doc(summary="How long people stay: Kaplan-Meier curves", tags=_TAGS)
def get_survival(query: SurvivalQuery) -> SurvivalOut:
    """Shares and their 95 % intervals are in percent, every 30 days."""
    with reading() as session:
        return SurvivalOut(_answer(session, SURVIVAL, query, utc_now()))


@blueprint.get("/reports/ladder")
@blueprint.input(MovesQuery, location="query", arg_name="query")
@blueprint.output(MovesOut)
@blueprint.doc(summary="The ladder of engagement: who moved where between two days", tags=_TAGS)
def get_ladder(query: MovesQuery) -> MovesOut:
    """`before` is null for those who had not come yet."""
    with reading() as session:
        return MovesOut(_answer(session, MOVES, query, utc_now()))


@blueprint.get("/reports/rfm")
@blueprint.input(RfmQuery, location="query", arg_name="query")
@blueprint.output(RfmOut)
@blueprint.doc(summary="Buyers by recency, frequency and money", tags=_TAGS)
def get_rfm(query: RfmQuery) -> RfmOut:
    """`grid[recency - 1][frequency - 1]`; money is in minor units, null in groups of fewer than 10 people."""
    with reading() as session:
        return RfmOut(_answer(session, RFM, query, utc_now()))


@blueprint.get("/reports/history")
@blueprint.input(HistoryQuery, location="query", arg_name="query")
@blueprint.output(HistoryOut)
@blueprint.doc(summary="All segments by month as they were, from the daily rows", tags=_TAGS)
def get_history(query: HistoryQuery) -> HistoryOut:
    """`as_of` is when the rows were built."""
    with reading() as session:
        return HistoryOut(history(session, query, utc_now()))


@blueprint.post("/reports/counts")
@blueprint.input(CountIn, arg_name="given")
@blueprint.output(CountOut, status_code=202)
@blueprint.doc(summary="Count a report in the background", tags=_TAGS)
def create_count(given: CountIn) -> CountOut:
    """For houses with so many events that reports are kept: ask for one that was not counted yet, or anew."""
    kind = KINDS[given.kind]
    now = utc_now()
    with transaction() as session:
        count_id = kept.want(session, kind, kind.asked_of(given.query), now)
        row = session.get_one(KeptReport, count_id)
    enqueue(count_job)
    return CountOut.of(row)


@blueprint.get("/reports/counts/<int:count_id>")
@blueprint.output(CountOut)
@blueprint.doc(summary="How far a count is", tags=_TAGS)
def get_count(count_id: int) -> CountOut:
    """Once it is done, the report's own address answers with the result."""
    with reading() as session:
        row = session.get(KeptReport, count_id)
    if row is None:
        raise NotFound(_("There is no such report."))
    return CountOut.of(row)


def _answer(session: Session, kind: Kind[Query, Report], query: Query, now: datetime) -> Report:
    found: Any = kept.answer(session, kind, query, now)
    if found.report is None:
        raise Conflict(_("This report has not been counted yet: ask for it with POST /reports/counts."))
    return found.report  # type: ignore[no-any-return]
