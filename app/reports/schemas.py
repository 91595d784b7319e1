"""The shapes of reports in the API: the values themselves, each with an example."""

from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from app.campaigns.models import CampaignState
from app.delivery.models import DeliveryState
from app.events.models import Verdict
from app.reports.answers import Answers
from app.reports.campaign_hits import Hour, LinkHits, MachineHits
from app.reports.campaign_people import Group, Reached, Sales
from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import Cohort, CohortGrid, Share
from app.reports.definitions import Definitions
from app.reports.engagement import Engagement
from app.reports.history import History, MonthOf, SegmentHistory
from app.reports.ladder import Move, Moves
from app.reports.models import KeptReport
from app.reports.overview import DayHits, Overview, TierSize, Window
from app.reports.presence import Presence
from app.reports.query import BordersOf, Metric, Since, StaysOf
from app.reports.recurring import Recurring
from app.reports.repeat import Repeat
from app.reports.retention import Retention
from app.reports.rfm import RfmGroup, RfmReport
from app.reports.scope import People
from app.reports.segment_report import Month, SegmentReport
from app.reports.survival import Curve, Point, Survival
from segments.ladder import Rung
from segments.rfm import Borders, RfmClass

_THEN = datetime(2026, 11, 1, tzinfo=UTC)
_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _example(value: Any) -> ConfigDict:
    example = TypeAdapter(type(value)).dump_python(value, mode="json")
    return ConfigDict(json_schema_extra={"examples": [example]})


class SegmentReportOut(RootModel[SegmentReport]):
    """A segment by month."""

    model_config = _example(
        SegmentReport(
            segment_id=3,
            name="Loyal",
            people=420,
            measured=260,
            presence=Presence.ACTIVE,
            people_are=People.NOW,
            meant=Definitions(acquisition_cost=500),
            as_of=_NOW,
            months=(
                Month(
                    label="2026-11",
                    start=_THEN,
                    end=datetime(2026, 12, 1, tzinfo=UTC),
                    is_running=True,
                    engagement=Engagement(840, 512, 96, 230, 41, 37, 198_050),
                    retention=Retention(300, 310, 40, 25, 15, 30, 90.0, 10.0),
                    repeat=Repeat(250, 100, 40.0, 37, 4, 10.81, 4_990.0, 1_496.0),
                    recurring=Recurring(180_000, 9_000, 5.0),
                    answers=Answers(40, 22, 12, 6, 40.0),
                ),
            ),
            answers=Answers(96, 50, 30, 16, 35.416666666666664),
        )
    )


class CohortGridOut(RootModel[CohortGrid]):
    """A cohort grid."""

    model_config = _example(
        CohortGrid(
            since=Since.JOINED,
            metric=Metric.CLICKED,
            event=None,
            segment_id=None,
            as_of=_NOW,
            cohorts=(Cohort("2026-11", _THEN, 120, (Share(48, 40.0, True),)),),
        )
    )


class CampaignReportOut(RootModel[CampaignReport]):
    """What a campaign came to."""

    model_config = _example(
        CampaignReport(
            campaign_id=7,
            name="November",
            subject="News from the dairy",
            state=CampaignState.SENT,
            started_at=_THEN,
            as_of=_NOW,
            audience=1000,
            books={DeliveryState.SENT: 990, DeliveryState.BOUNCED: 10},
            people=Reached(990, 600, 300, 90, 280, 90, 46.7, 15.0, 32.1),
            unsubscribed=3,
            complained=0,
            sales=Sales(7, 12, 14, 48_900),
            hits=(MachineHits(Verdict.HUMAN, 700, 160), MachineHits(Verdict.SCANNER, 12, 85)),
            hours=(Hour(_THEN, 120, 31),),
            links=(LinkHits(0, "https://shop.example/cheese", 110, 60, 70),),
            tiers=(Group(4, "Loyal", 80, 60, 21, 35.0),),
            segments=(Group(3, "Bought lately", 4, 3, None, None),),
        )
    )


class SurvivalOut(RootModel[Survival]):
    """How long people stay."""

    model_config = _example(
        Survival(
            of=StaysOf.SOURCE,
            segment_id=None,
            as_of=_NOW,
            curves=(
                Curve(
                    "shop", None, 420, 96, None, (Point(0, 420, 100.0, 100.0, 100.0), Point(30, 371, 91.4, 88.2, 93.8))
                ),
            ),
            others=0,
        )
    )


class MovesOut(RootModel[Moves]):
    """Moves on the ladder."""

    model_config = _example(
        Moves(
            segment_id=None,
            people_are=People.NOW,
            meant=Definitions(),
            since=datetime(2026, 8, 23, tzinfo=UTC),
            until=_NOW,
            as_of=_NOW,
            moves=(Move(None, Rung.NEW, 40), Move(Rung.ACTIVE, Rung.COOLING, 61)),
        )
    )


class RfmOut(RootModel[RfmReport]):
    """Buyers by recency, frequency and money."""

    model_config = _example(
        RfmReport(
            segment_id=None,
            as_of=_NOW,
            borders_of=BordersOf.FIXED,
            borders=Borders(),
            classes={RfmClass.CHAMPIONS: RfmGroup(41, 320, 2_210_000), RfmClass.DORMANT: RfmGroup(4, None, None)},
            grid=((RfmGroup(4, None, None), RfmGroup(12, 24, 61_000)),),
        )
    )


class HistoryOut(RootModel[History]):
    """All segments by month."""

    model_config = _example(
        History(
            as_of=_NOW,
            labels=("2026-11",),
            is_running=True,
            segments=(SegmentHistory(3, "Loyal", (MonthOf(420, 31, 12, 3.0, 512, 96, 4.5, 41, 198_050),)),),
        )
    )


class CountIn(BaseModel):
    """What to count: the report and its question, as its own address takes it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "cohorts", "query": {"metric": "revenue", "months": 24}}]},
    )

    kind: Literal["segment", "comparison", "cohorts", "survival", "moves", "rfm", "campaign"] = Field(
        description="`segment` is everybody too (`segment_id` in the query), `moves` the ladder, `comparison` all "
        "segments side by side on the page of reports; `campaign` wants a `campaign_id`."
    )
    query: dict[str, Any] = {}


class CountOut(BaseModel):
    """How far a count is: `progress` in percent, `as_of` of the result that is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": 7, "kind": "cohorts", "state": "counting", "progress": 33, "as_of": None, "error": None}
            ]
        }
    )

    id: int
    kind: str
    state: Literal["waiting", "counting", "done", "failed"]
    progress: int
    as_of: datetime | None
    error: str | None

    @classmethod
    def of(cls, row: KeptReport) -> "CountOut":
        """Of a row."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class OverviewOut(RootModel[Overview]):
    """The last 30 days and the 30 before."""

    model_config = _example(
        Overview(
            as_of=_NOW,
            last=Window(1200, 3400, 6.4, 12),
            before=Window(1150, 3300, 6.1, 15),
            days=(DayHits(date(2026, 11, 21), 310, 62),),
            tiers=(TierSize("New", 700), TierSize("Loyal", 80)),
        )
    )
