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


def _judged(text: str, fact: str, *, holds: bool) -> dict[str, Any]:
    """A condition in an example, in which the one that fails decides."""
    return {"kind": "condition", "holds": holds, "decides": not holds, "text": text, "fact": fact, "parts": []}


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


class LanguageQuery(BaseModel):
    """In which language it is said."""

    language: Literal["en", "de"] = "en"


class JudgementOut(BaseModel):
    """A part of a rule judged for one person. `fact` is what she has there, null where there is nothing to say;
    `decides` marks the parts on which the answer hangs. What a condition means of other segments are its parts."""

    kind: Literal["all", "any", "not", "condition"]
    holds: bool
    decides: bool
    text: str = Field(
        description="What a condition says; empty for groups.", examples=["last click in the last 30 days"]
    )
    fact: str | None = Field(examples=["Nov 2, 2026"])
    parts: list["JudgementOut"]


class WhyOut(BaseModel):
    """`counts` is whether the person can be in a segment with this rule at all: mostly, whether she is active."""

    is_in: bool
    counts: bool
    judgement: JudgementOut = Field(
        examples=[
            {
                "kind": "all",
                "holds": False,
                "decides": True,
                "text": "",
                "fact": None,
                "parts": [
                    _judged("country is Germany", "Germany", holds=True),
                    _judged("last click was in the last 30 days", "Sep 2, 2026", holds=False),
                ],
            }
        ]
    )
