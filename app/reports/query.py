"""What a report was asked: the same questions from a page's address and from the API."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import Invalid
from app.intake import RowId
from app.reports.presence import Presence
from app.reports.scope import People

_MONTH = Field(
    None,
    pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$",
    description="The last month, as YYYY-MM; by default the latest one in which anybody did anything.",
    examples=["2026-11"],
)


# Outside these days there is no midnight in some time zone.
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)
_SEGMENT = Field(None, description="Only the people whom this segment has today.")


class Since(StrEnum):
    """What makes somebody part of a month's cohort."""

    JOINED = "joined"
    FIRST_ORDER = "first_order"
    EVENT = "event"


class Metric(StrEnum):
    """What is counted of a cohort in each month since."""

    CLICKED = "clicked"
    BOUGHT = "bought"
    SUBSCRIBED = "subscribed"
    ACTIVE = "active"
    REVENUE = "revenue"


class StaysOf(StrEnum):
    """Whose stays make a curve."""

    EVERYBODY = "everybody"
    SOURCE = "source"
    SEGMENT = "segment"


class SegmentQuery(BaseModel):
    """How a segment's months are counted."""

    model_config = ConfigDict(frozen=True)

    presence: Presence = Field(
        Presence.ACTIVE,
        description="Who is there: `active` people are not lost, by the definitions that are set; `member`s were in "
        "the segment at that time (of everybody: subscribed).",
    )
    people: People = Field(
        People.NOW,
        description="Whose numbers: of those in the segment `now`, looked back at, or of those in it `then`, as it "
        "was: members are always that.",
    )
    days: int | None = Field(None, ge=1, le=1000, description="How long a click or a purchase makes somebody active.")
    times: int | None = Field(None, ge=2, le=20, description="From which purchase on somebody has bought again.")
    months: int = Field(12, ge=1, le=60, description="How many months, the last one included.")
    until: str | None = _MONTH


class CohortQuery(BaseModel):
    """How a cohort grid is counted."""

    model_config = ConfigDict(frozen=True)

    since: Since = Since.JOINED
    metric: Metric = Metric.ACTIVE
    months: int = Field(12, ge=1, le=36, description="How many months, the last one included.")
    until: str | None = _MONTH
    event: str | None = Field(
        None, pattern="^[a-z_]{1,40}$", description="With `since` event: the kind of event whose first time counts."
    )
    segment: RowId | None = _SEGMENT


class HistoryQuery(BaseModel):
    """How many months of all segments stand side by side."""

    model_config = ConfigDict(frozen=True)

    months: int = Field(24, ge=1, le=60, description="How many months, the last one included.")
    until: str | None = _MONTH


class SurvivalQuery(BaseModel):
    """Whose stays are followed."""

    model_config = ConfigDict(frozen=True)

    of: StaysOf = Field(
        StaysOf.EVERYBODY,
        description="One curve of everybody, one for each source they came from, or one for each segment.",
    )
    segment: RowId | None = _SEGMENT


class BordersOf(StrEnum):
    """Which borders part the scores of RFM."""

    FIXED = "fixed"
    OWN = "own"


class RfmQuery(BaseModel):
    """Whose purchases are sorted, and how."""

    model_config = ConfigDict(frozen=True)

    borders: BordersOf = Field(
        BordersOf.FIXED,
        description="`fixed` borders, as in rules for segments; or `own`: five parts of equal size of these buyers.",
    )
    segment: RowId | None = _SEGMENT


class MovesQuery(BaseModel):
    """Between which days people are looked for on the ladder."""

    model_config = ConfigDict(frozen=True)

    since: date | None = Field(
        None, ge=_FIRST, le=_LAST, description="The first moment is the start of this day; 90 days ago by default."
    )
    until: date | None = Field(
        None, ge=_FIRST, le=_LAST, description="The second is the start of this day; now by default."
    )
    segment: RowId | None = Field(None, description="Only the people of this segment.")
    people: People = Field(People.NOW, description="Those in the segment `now`, or those in it `then`: on `since`.")


Query = TypeVar("Query", bound=BaseModel)


def read(kind: type[Query], arguments: Mapping[str, str]) -> Query:
    """The query that an address asks; fields left empty take their defaults. Raises Invalid."""
    try:
        return kind.model_validate({name: value for name, value in arguments.items() if value})
    except ValidationError as error:
        places = {str(problem["loc"][0]): problem["msg"] for problem in error.errors()}
        raise Invalid(_("This report cannot be made: check what was asked."), places) from error
