"""The books and the ledger for machines."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from app.accounts.access import for_machines
from app.campaigns.schedule import find
from app.db import reading, utc_now
from app.delivery.books import progress
from app.delivery.models import Delivery, DeliveryState
from app.intake import RowId

blueprint = for_machines("delivery_api", __name__)

_TAGS = ["Campaigns"]


class BooksOut(BaseModel):
    """What became of the audience: the numbers add up at every instant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "audience": 1200,
                    "queued": 300,
                    "in_flight": 100,
                    "sent": 780,
                    "deferred": 9,
                    "bounced": 4,
                    "failed": 1,
                    "unknown": 0,
                    "skipped": {"unsubscribed": 6},
                    "repeated": 1,
                    "balanced": True,
                    "per_second": 41.5,
                }
            ]
        }
    )

    audience: int
    queued: int
    in_flight: int
    sent: int
    deferred: int
    bounced: int
    failed: int
    unknown: int
    skipped: dict[str, int] = Field(description="By reason.")
    repeated: int = Field(description="How many of them may have got the mail twice.")
    balanced: bool
    per_second: float = Field(description="Mails sent per second over the last half minute.")


class DeliveryOut(BaseModel):
    """What became of the campaign for one person."""

    model_config = ConfigDict(from_attributes=True)

    subscriber_id: int = Field(examples=[42])
    state: DeliveryState = Field(examples=["deferred"])
    reason: str | None = Field(examples=[None])
    reply: str | None = Field(examples=["451 4.7.1 greylisted, try again"])
    attempts: int = Field(examples=[1])
    repeats: int = Field(examples=[0])
    sent_at: datetime | None
    tried_at: datetime | None = Field(description="When the mail server last answered anything but yes.")
    next_try_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


class DeliveryPage(BaseModel):
    """Some deliveries; ask again with `after=next` for more."""

    items: list[DeliveryOut]
    next: int | None


class DeliveryQuery(BaseModel):
    """Which part of the ledger."""

    state: DeliveryState | None = None
    after: RowId = 0
    limit: int = Field(50, ge=1, le=1000)


@blueprint.get("/campaigns/<int:campaign_id>/books")
@blueprint.output(BooksOut)
@blueprint.doc(summary="The books of a campaign", tags=_TAGS)
def get_books(campaign_id: int) -> dict[str, Any]:
    """Everybody of the audience is in exactly one of the numbers."""
    with reading() as session:
        find(session, campaign_id)
        found = progress(session, campaign_id, utc_now())
    numbers = {name: getattr(found.books, name) for name in BooksOut.model_fields if name != "per_second"}
    return {**numbers, "per_second": found.per_second}


@blueprint.get("/campaigns/<int:campaign_id>/deliveries")
@blueprint.input(DeliveryQuery, location="query", arg_name="query")
@blueprint.output(DeliveryPage)
@blueprint.doc(summary="The ledger of a campaign", tags=_TAGS)
def list_deliveries(campaign_id: int, query: DeliveryQuery) -> dict[str, Any]:
    """In order of subscriber."""
    wanted = select(Delivery).where(Delivery.campaign_id == campaign_id, Delivery.subscriber_id > query.after)
    if query.state:
        wanted = wanted.where(Delivery.state == query.state)
    with reading() as session:
        find(session, campaign_id)
        rows = session.scalars(wanted.order_by(Delivery.subscriber_id).limit(query.limit + 1)).all()
        items = [DeliveryOut.model_validate(row).model_dump(mode="json") for row in rows[: query.limit]]
    return {"items": items, "next": items[-1]["subscriber_id"] if len(rows) > query.limit else None}
