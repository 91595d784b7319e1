"""The reports that read much: what each is asked, what it answers, and how it is counted.

In charge of the list. Whether one is counted at once or in the background is `kept`'s to decide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast

from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audiences.segment import find
from app.delivery.models import Shard
from app.errors import Invalid
from app.reports.campaign_report import CampaignReport, campaign_report
from app.reports.cohorts import CohortGrid, cohort_grid
from app.reports.comparison import SegmentComparison, compare_segments
from app.reports.ladder import Moves, moves
from app.reports.query import CohortQuery, MovesQuery, RfmQuery, SegmentQuery, SurvivalQuery
from app.reports.rfm import RfmReport, rfm_report
from app.reports.rows import Rows
from app.reports.segment_report import SegmentReport, segment_report
from app.reports.survival import Survival, survival

# A campaign of so many is counted in a third of a second.
LIVE_MAILS = 50_000

Query = TypeVar("Query", bound=BaseModel)
Report = TypeVar("Report")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Query, Report]):
    """`statements` is how many it runs on its rows: they tell how far a count is. `copies` are tables that it asks so
    much of that they are worth copying for it alone. `is_large` says of a question whether it takes long, where that
    is not for the number of events to say."""

    name: str
    query: type[Query]
    report: type[Report]
    count: Callable[[Session, Rows, Query, datetime], Report]
    statements: int
    copies: tuple[str, ...] = ()
    is_large: Callable[[Session, Query], bool] | None = None

    def asked(self, query: Query) -> str:
        """The question as one text: equal questions give equal texts."""
        return query.model_dump_json(exclude_defaults=True)

    def question(self, asked: str) -> Query:
        """The question of a text."""
        return self.query.model_validate_json(asked)

    def asked_of(self, given: dict[str, Any]) -> Query:
        """The question that these values ask; Invalid where they ask nothing."""
        try:
            return self.query.model_validate(given)
        except ValidationError as error:
            places = {str(problem["loc"][0]): problem["msg"] for problem in error.errors() if problem["loc"]}
            raise Invalid(_("This report cannot be made: check what was asked."), places) from error

    def stored(self, report: Report) -> str:
        """The report as text."""
        return _adapter(self.name).dump_json(report).decode()

    def restored(self, text: str) -> Report:
        """The report of a text."""
        return cast("Report", _adapter(self.name).validate_json(text))


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind].report)


class CampaignAsked(BaseModel):
    """A campaign."""

    model_config = ConfigDict(frozen=True)

    campaign_id: int


class SegmentAsked(SegmentQuery):
    """The months of a segment, or of everybody."""

    segment_id: int | None = None


class ComparisonAsked(BaseModel):
    """All segments: nothing to choose."""

    model_config = ConfigDict(frozen=True)


def _campaign(session: Session, _rows: Rows, query: CampaignAsked, now: datetime) -> CampaignReport:
    """From the database itself, which finds a campaign's mails by its key."""
    return campaign_report(session, query.campaign_id, now)


def _is_large_campaign(session: Session, query: CampaignAsked) -> bool:
    written = select(func.sum(Shard.size)).where(Shard.campaign_id == query.campaign_id)
    return (session.scalar(written) or 0) > LIVE_MAILS


def _segment(session: Session, rows: Rows, query: SegmentAsked, now: datetime) -> SegmentReport:
    return segment_report(session, query.segment_id, query, now, rows)


def _comparison(session: Session, rows: Rows, _query: ComparisonAsked, now: datetime) -> SegmentComparison:
    return compare_segments(session, now, rows)


def _cohorts(session: Session, rows: Rows, query: CohortQuery, now: datetime) -> CohortGrid:
    return cohort_grid(session, query, now, rows)


def _rfm(session: Session, rows: Rows, query: RfmQuery, now: datetime) -> RfmReport:
    if query.segment is not None:
        find(session, query.segment)
    return rfm_report(rows, query, now)


SEGMENT = Kind("segment", SegmentAsked, SegmentReport, _segment, statements=6, copies=("event",))
COMPARISON = Kind("comparison", ComparisonAsked, SegmentComparison, _comparison, statements=2)
COHORTS = Kind("cohorts", CohortQuery, CohortGrid, _cohorts, statements=2)
SURVIVAL = Kind("survival", SurvivalQuery, Survival, survival, statements=1)
MOVES = Kind("moves", MovesQuery, Moves, moves, statements=1)

RFM = Kind("rfm", RfmQuery, RfmReport, _rfm, statements=4)
CAMPAIGN = Kind("campaign", CampaignAsked, CampaignReport, _campaign, statements=0, is_large=_is_large_campaign)

KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind for kind in (SEGMENT, COMPARISON, COHORTS, SURVIVAL, MOVES, RFM, CAMPAIGN)
}
