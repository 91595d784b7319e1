"""The people of a campaign: where their mail stands, who opened, clicked, left and bought, by tier and by segment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.audiences.models import Membership, Segment
from app.delivery.kinds import COMPLAINED
from app.delivery.models import Delivery, DeliveryState
from app.events.models import IS_RARE, Event
from app.reports.periods import counts, seconds
from app.reports.presence import bought
from app.reports.scope import SMALLEST_GROUP
from app.scoring.models import Tier
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import UNSUBSCRIBED
from app.subscribers.models import Standing, TrackingMode


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom the mail was sent to, by how they are measured today; `opened` and `clicked` are of `personal` alone.

    Rates are in percent: `open_rate` and `click_rate` of the people measured personally, `click_to_open` of those who
    opened; None where there is nobody.
    """

    sent: int
    personal: int
    aggregate: int
    unmeasured: int
    opened: int
    clicked: int
    open_rate: float | None
    click_rate: float | None
    click_to_open: float | None


@dataclass(frozen=True, slots=True)
class Sales:
    """People, orders and money (minor units, refunds taken off) in the days after a click."""

    days: int
    buyers: int
    orders: int
    revenue: int


@dataclass(frozen=True, slots=True)
class Group:
    """A part of those who were sent the mail. `clicked` and `click_rate` (percent of `measured`) are None where fewer
    people than it takes to hide one are measured."""

    id: int | None
    name: str | None
    people: int
    measured: int
    clicked: int | None
    click_rate: float | None


_SENT = Delivery.sent_at.is_not(None)
_PERSONAL = Standing.tracking == TrackingMode.PERSONAL
_CLICKED = and_(_PERSONAL, Delivery.clicked_at.is_not(None))


def share(part: int, whole: int) -> float | None:
    """In percent; None of nothing."""
    return part * 100 / whole if whole else None


def books(session: Session, campaign_id: int) -> dict[DeliveryState, int]:
    """The audience by state, in the order of the states; only those there are."""
    counted = select(Delivery.state, func.count()).where(Delivery.campaign_id == campaign_id)
    found = counts(session, counted.group_by(Delivery.state))
    return {state: found[state] for state in DeliveryState if state in found}


def reached(session: Session, campaign_id: int) -> Reached:
    """How many were sent it, opened and clicked."""
    counted = select(
        func.count(),
        func.count().filter(_PERSONAL),
        func.count().filter(Standing.tracking == TrackingMode.AGGREGATE),
        # Images are off in many mail programs: who clicked has opened, whether her pixel was loaded or not.
        func.count().filter(_PERSONAL, Delivery.opened_at.is_not(None) | Delivery.clicked_at.is_not(None)),
        func.count().filter(_CLICKED),
    )
    sent, personal, aggregate, opened, clicked = session.execute(_of(counted, campaign_id)).one()
    return Reached(
        sent=sent,
        personal=personal,
        aggregate=aggregate,
        unmeasured=sent - personal - aggregate,
        opened=opened,
        clicked=clicked,
        open_rate=share(opened, personal),
        click_rate=share(clicked, personal),
        click_to_open=share(clicked, opened),
    )


def gone(session: Session, campaign_id: int) -> tuple[int, int]:
    """How many unsubscribed and complained because of it."""
    kinds = (UNSUBSCRIBED.code, COMPLAINED.code)
    unsubscribed, complained = (func.count(Event.subscriber_id.distinct()).filter(Event.kind == kind) for kind in kinds)
    by_it = (IS_RARE, Event.kind.in_(kinds), Event.campaign_id == campaign_id)
    unsubscribers, complainers = session.execute(select(unsubscribed, complained).where(*by_it)).one()
    return unsubscribers, complainers


def sales(session: Session, campaign_id: int, within: timedelta) -> Sales:
    """What people bought within that time of their first click in it. An order may count for several campaigns."""
    clicked_at, bought_at = seconds(Delivery.clicked_at), seconds(Event.occurred_at)
    counted = (
        select(
            func.count(Event.subscriber_id.distinct()).filter(bought()),
            func.count().filter(bought()),
            func.sum(Event.value),
        )
        .select_from(Delivery)
        .join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
        .join(Event, Event.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == campaign_id, _CLICKED, Event.kind == PURCHASED.code)
        .where(bought_at >= clicked_at, bought_at < clicked_at + int(within.total_seconds()))
    )
    buyers, orders, revenue = session.execute(counted).one()
    return Sales(within.days, buyers, orders, int(revenue or 0))


def by_tier(session: Session, campaign_id: int) -> tuple[Group, ...]:
    """By the tier that people have today, the highest first; those without one last."""
    tiers = _grouped(campaign_id, Standing.tier_id, Tier.name).outerjoin(Tier, Tier.id == Standing.tier_id)
    rows = session.execute(tiers.group_by(Standing.tier_id, Tier.name, Tier.threshold))
    order = {tier_id: place for place, tier_id in enumerate(_tiers_from_the_top(session))}
    return tuple(sorted(_groups(rows), key=lambda group: order.get(group.id or 0, len(order))))


def by_segment(session: Session, campaign_id: int, started_at: datetime | None) -> tuple[Group, ...]:
    """By the segments that people were in when it was launched, the largest first. One may be in several."""
    if started_at is None:
        return ()
    was_in = (Membership.joined_at <= started_at, Membership.left_at > started_at)
    member = and_(Membership.subscriber_id == Delivery.subscriber_id, *was_in)
    segments = _grouped(campaign_id, Segment.id, Segment.name).join(Membership, member)
    segments = segments.join(Segment, Segment.id == Membership.segment_id).where(Segment.archived_at.is_(None))
    rows = session.execute(segments.group_by(Segment.id, Segment.name))
    return tuple(sorted(_groups(rows), key=lambda group: (-group.people, group.name or "")))


def _of(statement: Select[*tuple[Any, ...]], campaign_id: int) -> Select[*tuple[Any, ...]]:
    """The statement over those who were sent it."""
    together = statement.select_from(Delivery).join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
    return together.where(Delivery.campaign_id == campaign_id, _SENT)


def _grouped(campaign_id: int, key: Any, name: Any) -> Select[*tuple[Any, ...]]:
    numbers: tuple[ColumnElement[int], ...] = (
        func.count(),
        func.count().filter(_PERSONAL),
        func.count().filter(_CLICKED),
    )
    return _of(select(key, name, *numbers), campaign_id)


def _groups(rows: Iterable[Any]) -> Iterable[Group]:
    for key, name, people, measured, clicked in rows:
        if measured < SMALLEST_GROUP:
            yield Group(key, name, people, measured, None, None)
        else:
            yield Group(key, name, people, measured, clicked, share(clicked, measured))


def _tiers_from_the_top(session: Session) -> Iterable[int]:
    return session.scalars(select(Tier.id).order_by(Tier.threshold.desc(), Tier.id))
