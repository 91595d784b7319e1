"""The hits of a campaign: every open and click that reached us, with who seems to have caused it; they name nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Link
from app.delivery.models import Delivery
from app.events.models import Event, Verdict
from app.reports.periods import counts
from app.reports.presence import READERS, clicked
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import OWN_LINK, HitCount

HOURS = 48


@dataclass(frozen=True, slots=True)
class MachineHits:
    """How many opens and clicks came from one kind of visitor."""

    verdict: Verdict
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Hour:
    """The opens and clicks of readers in the hour that begins then."""

    start: datetime
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class LinkHits:
    """A link of the mail; `people` are those measured personally who clicked it. Links that only one person's values
    made are one row without a target."""

    position: int
    target: str | None
    clicks: int
    machine_clicks: int
    people: int


_READS = HitCount.verdict.in_(READERS)
_NUMBER = func.coalesce(func.sum(HitCount.hits), 0)


def by_verdict(session: Session, campaign_id: int) -> tuple[MachineHits, ...]:
    """A row for each verdict there is, also where nothing came."""
    counted = select(HitCount.verdict, HitCount.kind, func.sum(HitCount.hits)).where(
        HitCount.campaign_id == campaign_id
    )
    rows = session.execute(counted.group_by(HitCount.verdict, HitCount.kind))
    hits = {(verdict, kind): int(number) for verdict, kind, number in rows}
    return tuple(
        MachineHits(verdict, hits.get((verdict, OPENED.code), 0), hits.get((verdict, CLICKED.code), 0))
        for verdict in Verdict
    )


def by_hour(session: Session, campaign_id: int, started_at: datetime | None, now: datetime) -> tuple[Hour, ...]:
    """The first hours from the launch, as far as they have begun."""
    if started_at is None:
        return ()
    first = started_at.replace(minute=0, second=0, microsecond=0)
    counted = select(HitCount.hour, HitCount.kind, func.sum(HitCount.hits)).where(
        HitCount.campaign_id == campaign_id, _READS, HitCount.hour < first + timedelta(hours=HOURS)
    )
    rows = session.execute(counted.group_by(HitCount.hour, HitCount.kind))
    hits = {(hour, kind): int(number) for hour, kind, number in rows}
    hours = (first + timedelta(hours=number) for number in range(HOURS))
    return tuple(
        Hour(hour, hits.get((hour, OPENED.code), 0), hits.get((hour, CLICKED.code), 0)) for hour in hours if hour <= now
    )


def by_link(session: Session, campaign_id: int) -> tuple[LinkHits, ...]:
    """The links in the order of the mail, those made from one person's values last."""
    readers = func.coalesce(func.sum(case((_READS, HitCount.hits), else_=0)), 0)
    counted = (
        select(HitCount.position, readers, _NUMBER)
        .where(HitCount.campaign_id == campaign_id, HitCount.kind == CLICKED.code)
        .group_by(HitCount.position)
    )
    hits = {position: (int(read), int(every) - int(read)) for position, read, every in session.execute(counted)}
    people = _people_by_link(session, campaign_id)
    rows = session.execute(
        select(Link.position, Link.target).where(Link.campaign_id == campaign_id).order_by(Link.position)
    ).all()
    links: Iterable[tuple[int, str | None]] = [(position, target) for position, target in rows]
    own = [(OWN_LINK, None)] if OWN_LINK in hits else []
    return tuple(
        LinkHits(position, target, *hits.get(position, (0, 0)), people.get(position, 0))
        for position, target in [*links, *own]
    )


def _people_by_link(session: Session, campaign_id: int) -> dict[int, int]:
    """From the events of those who clicked anything: there is no index by campaign, but one by person."""
    counted = (
        select(Event.link, func.count(Event.subscriber_id.distinct()))
        .select_from(Delivery)
        .join(Event, Event.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == campaign_id, Delivery.clicked_at.is_not(None))
        .where(clicked(), Event.campaign_id == campaign_id, Event.link.is_not(None))
        .group_by(Event.link)
    )
    return counts(session, counted)
