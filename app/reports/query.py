"""What a report was asked: the same questions from a page's address and from the API."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import Invalid
from app.intake import RowId
from app.reports.presence import Presence

_MONTH = Field(
    None,
    pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$",
    description="The last month, as YYYY-MM; by default the latest one in which anybody did anything.",
    examples=["2026-11"],
)


class Since(StrEnum):
    """What makes somebody part of a month's cohort."""

    JOINED = "joined"
    FIRST_ORDER = "first_order"


class Metric(StrEnum):
    """What is counted of a cohort in each month since."""

    CLICKED = "clicked"
    BOUGHT = "bought"
    SUBSCRIBED = "subscribed"
    ACTIVE = "active"


class SegmentQuery(BaseModel):
    """How a segment's months are counted."""

    model_config = ConfigDict(frozen=True)

    presence: Presence = Field(
        Presence.ACTIVE,
        description="Who is there: `active` people clicked, bought or confirmed in the last `days` days; `member`s "
        "were in the segment at that time (of everybody: subscribed).",
    )
    days: int = Field(90, ge=1, le=1000, description="How long a click or a purchase makes somebody active.")
    months: int = Field(12, ge=1, le=60, description="How many months, the last one included.")
    until: str | None = _MONTH


class CohortQuery(BaseModel):
    """How a cohort grid is counted."""

    model_config = ConfigDict(frozen=True)

    since: Since = Since.JOINED
    metric: Metric = Metric.ACTIVE
    months: int = Field(12, ge=1, le=36, description="How many months, the last one included.")
    until: str | None = _MONTH
    segment: RowId | None = Field(None, description="Only the people whom this segment has today.")


Query = TypeVar("Query", bound=BaseModel)


def read(kind: type[Query], arguments: Mapping[str, str]) -> Query:
    """The query that an address asks; fields left empty take their defaults. Raises Invalid."""
    try:
        return kind.model_validate({name: value for name, value in arguments.items() if value})
    except ValidationError as error:
        places = {str(problem["loc"][0]): problem["msg"] for problem in error.errors()}
        raise Invalid(_("This report cannot be made: check what was asked."), places) from error
