"""The shapes of people, topics, fields and tags in the API."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.intake import RowId
from app.subscribers.models import Basis, FieldKind, Status, TrackingMode


class SubscriberChange(BaseModel):
    """What to change; absent fields stay. `attributes` changes only the keys it has, null takes a value away.

    What a GET answered may be sent back: the fields that cannot be changed here must then be as they are.
    """

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(None, max_length=400, examples=["anna@example.org"])
    first_name: str | None = Field(None, examples=["Anna"])
    last_name: str | None = Field(None, examples=["Müller"])
    language: str | None = Field(None, examples=["de"])
    country: str | None = Field(None, examples=["DE"])
    time_zone: str | None = Field(None, examples=["Europe/Berlin"])
    birthday: str | None = Field(None, description="With or without a year.", examples=["1990-05-17", "--05-17"])
    attributes: dict[str, Any] | None = Field(
        None, description="Custom fields by key.", examples=[{"plan": "gold", "seats": 3}]
    )
    tags: list[str] | None = Field(None, max_length=200, examples=[["vip"]])
    topics: list[str] | None = Field(None, max_length=200, description="Keys of topics.", examples=[["news"]])
    id: int | None = None
    status: Status | None = None
    tracking: TrackingMode | None = None
    source: str | None = None
    created_at: datetime | None = None
    confirmed_at: datetime | None = None


class SubscriberIn(SubscriberChange):
    """A person to add, or to change if her address is known."""

    email: str = Field(max_length=400, examples=["anna@example.org"])
    basis: Basis | None = Field(
        None,
        description="Why she may be mailed. `double_opt_in` asks her by mail first; without a basis a new person is "
        "known but not mailed.",
    )
    note: str = Field("", max_length=2000, description="Proof of the basis.", examples=["Paper form of 2026-11-21"])


class SubscriberOut(BaseModel):
    """A person."""

    id: int
    email: str
    first_name: str | None
    last_name: str | None
    language: str | None
    country: str | None
    time_zone: str | None
    birthday: str | None
    attributes: dict[str, Any] = Field(examples=[{"plan": "gold", "seats": 3}])
    tags: list[str] = Field(examples=[["vip"]])
    topics: list[str] = Field(examples=[["news"]])
    status: Status
    tracking: TrackingMode
    source: str | None
    created_at: datetime
    confirmed_at: datetime | None


class SubscriberPage(BaseModel):
    """Some people; `next` is what `after` has to be for the next ones."""

    items: list[SubscriberOut]
    next: int | None


class SubscriberQuery(BaseModel):
    """Whom to list."""

    after: RowId = 0
    limit: int = Field(100, ge=1, le=1000)
    email: str = Field("", description="Exactly this address, in any case.")
    q: str = Field("", max_length=200, description="The beginning of an address or a name.")
    status: Status | None = None
    topic_id: RowId | None = None
    tag_id: RowId | None = None
    tier_id: RowId | None = None


class LeaveIn(BaseModel):
    """What to leave: one topic, or everything."""

    topic: str | None = Field(None, description="Key of a topic; null for everything.", examples=["news"])


class TopicIn(BaseModel):
    """A topic."""

    key: str = Field(max_length=40, examples=["news"])
    name: str = Field(max_length=200, examples=["Cheese news"])
    description: str = Field("", max_length=2000)
    is_public: bool = Field(True, description="Private topics cannot be joined from outside.")


class TopicOut(TopicIn):
    """A topic."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class FieldIn(BaseModel):
    """A custom field; key and kind never change."""

    key: str = Field(max_length=40, examples=["plan"])
    label: str = Field(max_length=100, examples=["Plan"])
    kind: FieldKind
    choices: list[str] = Field([], max_length=500, examples=[["gold", "silver"]])


class FieldOut(FieldIn):
    """A custom field."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class TagOut(BaseModel):
    """A tag and how many people wear it."""

    id: int
    name: str
    people: int


class Topics(BaseModel):
    """All topics."""

    items: list[TopicOut]


class Fields(BaseModel):
    """All custom fields."""

    items: list[FieldOut]


class Tags(BaseModel):
    """All tags."""

    items: list[TagOut]
