"""The shapes of campaigns in the API."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.campaigns.models import CampaignState, CrashPolicy
from app.intake import RowId


class CampaignIn(BaseModel):
    """A new campaign; begin from `layout` (such as `newsletter.de`) or give `html` and `subject`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["November newsletter"])
    layout: str | None = Field(None, examples=["newsletter.en"])
    sender_id: int | None = None
    topic_id: int | None = None
    subject: str | None = Field(None, max_length=2000, examples=["Hello {{ first_name|default('you') }}"])
    preheader: str | None = Field(None, max_length=2000)
    from_name: str | None = Field(None, max_length=200)
    reply_to: str | None = Field(None, max_length=320)
    language: str | None = Field(None, pattern="^(en|de)$")
    html: str | None = Field(None, max_length=1 << 20)
    crash_policy: CrashPolicy | None = None
    included: list[int] = Field([], description="Segments whose people are meant; empty means everybody.")
    excluded: list[int] = []


class CampaignPatch(BaseModel):
    """Changes of a draft; `revision` is the one the change was made on. Absent fields stay."""

    model_config = ConfigDict(extra="forbid")

    revision: int
    name: str | None = Field(None, min_length=1, max_length=200)
    subject: str | None = Field(None, max_length=2000)
    preheader: str | None = Field(None, max_length=2000)
    from_name: str | None = Field(None, max_length=200)
    reply_to: str | None = Field(None, max_length=320)
    language: str | None = Field(None, pattern="^(en|de)$")
    html: str | None = Field(None, max_length=1 << 20)
    crash_policy: CrashPolicy | None = None


class CampaignOut(BaseModel):
    """A campaign."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    state: CampaignState
    sender_id: int
    topic_id: int | None
    subject: str
    preheader: str
    from_name: str | None
    reply_to: str | None
    language: str
    html: str
    crash_policy: CrashPolicy
    revision: int
    included: list[int]
    excluded: list[int]
    send_after: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    pause_reason: str | None


class CampaignPage(BaseModel):
    """Some campaigns; ask again with `after=next` for more."""

    items: list[CampaignOut]
    next: int | None


class PageQuery(BaseModel):
    """Which part of a list."""

    after: RowId | None = None
    limit: int = Field(50, ge=1, le=200)


class PreviewQuery(BaseModel):
    """Whom a preview speaks to: a subscriber's id, or nobody, german, english."""

    seen_as: str = Field("german", pattern="^(nobody|german|english|[0-9]{1,18})$")


class PreviewOut(BaseModel):
    """A mail as one person would get it."""

    subject: str
    html: str
    text: str
    missing: list[str] = Field(description="Merge tags that had no value.")


class FindingOut(BaseModel):
    """Something the checklist says; `block` keeps the campaign from being sent."""

    level: str
    code: str
    message: str
    line: int | None


class ScheduleIn(BaseModel):
    """When to send; without `at` it is sent after the undo window."""

    model_config = ConfigDict(extra="forbid")

    at: datetime | None = Field(None, examples=["2026-12-01T09:00:00+01:00"])
