"""The shapes of segments in the API."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.intake import RowId

RULE = {
    "all": [
        {"field": "country", "op": "is", "value": "DE"},
        {"field": "last_clicked", "op": "within_days", "value": 30},
    ]
}


class PageQuery(BaseModel):
    """Where to go on."""

    after: RowId | None = Field(None, description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class RuleIn(BaseModel):
    """A rule to be counted."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any] = Field(examples=[RULE])


class SentenceIn(BaseModel):
    """A rule as somebody types it."""

    model_config = ConfigDict(extra="forbid")

    sentence: str = Field(max_length=20_000, examples=["clicked >= 1 in 30 days and not tag:press"])
    language: Literal["en", "de"] = Field("en", description="How numbers are written, and whose words go first.")


class ReadOut(BaseModel):
    """The rule that a sentence says."""

    rule: dict[str, Any] = Field(examples=[RULE])
    sentence: dict[str, str] = Field(examples=[{"en": "country is Germany", "de": "Land ist Deutschland"}])


class FreezeIn(BaseModel):
    """What the frozen segment is called."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=1000, examples=["VIP in November 2026"])


class SegmentIn(RuleIn):
    """A new segment."""

    name: str = Field(max_length=1000, examples=["Engaged in Germany"])
    description: str = Field("", max_length=2000)


class SegmentPatch(BaseModel):
    """Changes of a segment; absent fields stay."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=1000)
    description: str | None = Field(None, max_length=2000)
    rule: dict[str, Any] | None = Field(None, examples=[RULE])


class SegmentOut(BaseModel):
    """A segment; `problem` says why its rule cannot be used any more, `size` is of `refreshed_at`."""

    id: int
    name: str
    description: str
    rule: dict[str, Any] = Field(examples=[RULE])
    sentence: dict[str, str] = Field(examples=[{"en": "country is Germany", "de": "Land ist Deutschland"}])
    problem: str | None
    size: int | None = Field(examples=[1234])
    refreshed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class SegmentPage(BaseModel):
    """Segments, and where the next ones begin."""

    items: list[SegmentOut]
    next: int | None


class CountOut(BaseModel):
    """How many people a rule means now."""

    count: int = Field(examples=[1234])
    sentence: dict[str, str] = Field(examples=[{"en": "country is Germany", "de": "Land ist Deutschland"}])


class MemberOut(BaseModel):
    """Somebody who is in a segment, and since when."""

    id: int
    email: str = Field(examples=["anna@example.org"])
    since: datetime


class MemberPage(BaseModel):
    """Members by id, and where the next ones begin."""

    items: list[MemberOut]
    next: int | None
