"""The shapes of reports in the API: the values themselves, each with an example."""

from datetime import UTC, date, datetime
from typing import Any

from pydantic import ConfigDict, RootModel, TypeAdapter

from app.campaigns.models import CampaignState
from app.delivery.models import DeliveryState
from app.events.models import Verdict
from app.reports.campaign_hits import Hour, LinkHits, MachineHits
from app.reports.campaign_people import Group, Reached, Sales
from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import Cohort, CohortGrid, Share
from app.reports.engagement import Engagement
from app.reports.overview import DayHits, Overview, TierSize, Window
from app.reports.presence import Presence
from app.reports.query import Metric, Since
from app.reports.repeat import Repeat
from app.reports.retention import Retention
from app.reports.segment_report import Month, SegmentReport

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
            days=90,
            as_of=_NOW,
            months=(
                Month(
                    label="2026-11",
                    start=_THEN,
                    end=datetime(2026, 12, 1, tzinfo=UTC),
                    is_running=True,
                    engagement=Engagement(840, 512, 96, 230, 41, 37, 198_050),
                    retention=Retention(300, 310, 40, 25, 15, 30, 90.0, 10.0),
                    repeat=Repeat(250, 100, 40.0, 37, 4, 10.81),
                ),
            ),
        )
    )


class CohortGridOut(RootModel[CohortGrid]):
    """A cohort grid."""

    model_config = _example(
        CohortGrid(
            since=Since.JOINED,
            metric=Metric.CLICKED,
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
