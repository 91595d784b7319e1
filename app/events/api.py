"""Events for machines: what happened, to whom, in the order in which it was written down."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from app.accounts.access import for_machines
from app.db import reading
from app.errors import Invalid
from app.events.models import Event, Verdict
from app.feature import Measure, house

blueprint = for_machines("events_api", __name__)


class EventQuery(BaseModel):
    """Which events; all conditions must hold."""

    subscriber_id: int | None = Field(None, ge=1, lt=1 << 63)
    kind: str | None = Field(None, max_length=40, examples=["purchased"])
    since: AwareDatetime | None = Field(None, description="Happened at this time or later.")
    after: int = Field(0, ge=0, lt=1 << 63, description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)


class EventOut(BaseModel):
    """Something that happened to a subscriber."""

    id: int = Field(examples=[4711])
    kind: str = Field(examples=["clicked"])
    subscriber_id: int = Field(examples=[12])
    occurred_at: datetime
    campaign_id: int | None
    link: int | None = Field(description="Position of the link that was clicked.")
    value: float | None = Field(
        description="Money, in whole units of the organisation's currency; of `answered` the answer, 0 to 10.",
        examples=[49.9],
    )
    verdict: Verdict | None = Field(description="Who caused an open or a click.")


class EventPage(BaseModel):
    """Some events; ask again with `after=next` for more, also later: new ones come at the end."""

    items: list[EventOut]
    next: int | None


@blueprint.get("/events")
@blueprint.input(EventQuery, location="query", arg_name="query")
@blueprint.output(EventPage)
@blueprint.doc(summary="List events, in the order in which they were written down", tags=["Events"])
def list_events(query: EventQuery) -> dict[str, Any]:
    """Of everybody, or of one person or kind."""
    wanted = select(Event).where(Event.id > query.after)
    if query.subscriber_id is not None:
        wanted = wanted.where(Event.subscriber_id == query.subscriber_id)
    if query.kind is not None:
        wanted = wanted.where(Event.kind == _code(query.kind))
    if query.since is not None:
        wanted = wanted.where(Event.occurred_at >= query.since)
    with reading() as session:
        rows = session.scalars(wanted.order_by(Event.id).limit(query.limit + 1)).all()
    shown = rows[: query.limit]
    return {"items": [_out(row) for row in shown], "next": shown[-1].id if len(rows) > query.limit else None}


def _code(kind: str) -> int:
    found = house().kinds.get(kind)
    if found is None:
        raise Invalid(f"There is no kind of event {kind!r}.", {"kind": "is unknown"})
    return found.code


def _out(event: Event) -> dict[str, Any]:
    kind = house().kind_of(event.kind)
    return {
        "id": event.id,
        "kind": kind.name if kind else str(event.kind),
        "subscriber_id": event.subscriber_id,
        "occurred_at": event.occurred_at,
        "campaign_id": event.campaign_id,
        "link": event.link,
        "value": _value(event.value, kind.measure if kind else Measure.MONEY),
        "verdict": event.verdict,
    }


def _value(value: int | None, measure: Measure) -> float | None:
    return value / 100 if value is not None and measure is Measure.MONEY else value
