"""Rows that reports are made of, each in one line."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery, DeliveryState
from app.events.models import Event, Verdict
from app.feature import EventKind
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import HitCount
from tests import make


def at(text: str) -> datetime:
    """`2026-03-01` or `2026-03-01T10:30`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def happened(session: Session, kind: EventKind, person: int, when: str, **values: Any) -> None:
    if kind in (CLICKED, OPENED):
        values.setdefault("verdict", Verdict.HUMAN)
    if kind is PURCHASED:
        values.setdefault("value", 1000)
    session.execute(insert(Event).values(kind=kind.code, subscriber_id=person, occurred_at=at(when), **values))


def member(session: Session, segment: int, person: int, joined: str, left: str | None = None) -> None:
    left_at = at(left) if left else LASTS
    values = {"segment_id": segment, "subscriber_id": person, "joined_at": at(joined), "left_at": left_at}
    session.execute(insert(Membership).values(values))


def launched(session: Session, when: str, name: str = "November") -> Campaign:
    started = at(when)
    campaign = make.campaign(session, name=name, state=CampaignState.SENT, started_at=started, finished_at=started)
    assert isinstance(campaign, Campaign)
    return campaign


def delivered(session: Session, campaign: int, person: int, when: str | None, **values: Any) -> None:
    moments = {name: at(values.pop(name)) for name in ("opened_at", "clicked_at") if name in values}
    state = values.pop("state", DeliveryState.SENT)
    row = {"campaign_id": campaign, "subscriber_id": person, "state": state, **moments, **values}
    session.execute(insert(Delivery).values(**row, sent_at=at(when) if when else None))


def hits(
    session: Session, campaign: int, kind: EventKind, position: int, verdict: Verdict, hour: str, number: int
) -> None:
    key = {"campaign_id": campaign, "kind": kind.code, "position": position, "verdict": verdict, "hour": at(hour)}
    session.execute(insert(HitCount).values(**key, hits=number))
