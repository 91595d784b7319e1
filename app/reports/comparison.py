"""Campaigns and segments side by side: a row for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.audiences.models import Segment
from app.audiences.segment import current_segments
from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery
from app.events.models import Event
from app.reports.campaign_people import share
from app.reports.definitions import Definitions, definitions
from app.reports.periods import counts, edges, months_until
from app.reports.presence import Presence, stretches
from app.reports.retention import Retention, retention_between, retention_by_segment
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, Scope, count_people
from app.subscribers.kinds import UNSUBSCRIBED
from app.subscribers.models import Standing, TrackingMode

MONTHS = 6


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign's key figures; rates in percent of the people measured personally."""

    campaign_id: int
    name: str
    state: CampaignState
    started_at: datetime
    audience: int
    sent: int
    measured: int
    open_rate: float | None
    click_rate: float | None
    unsubscribed: int


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A segment (None: everybody) and its retention in the last months, the running one left out; none of a
    group that is too small."""

    segment_id: int | None
    name: str | None
    people: int | None
    months: tuple[Retention, ...]


@dataclass(frozen=True, slots=True)
class SegmentComparison:
    """`labels` are the months of every line; active is who is not lost, by what is `meant`."""

    as_of: datetime
    labels: tuple[datetime, ...]
    meant: Definitions
    lines: tuple[SegmentLine, ...]


def compare_campaigns(session: Session, limit: int) -> list[CampaignLine]:
    """The campaigns launched last, the latest first."""
    latest = select(Campaign).where(Campaign.started_at.is_not(None), Campaign.archived_at.is_(None))
    campaigns = session.scalars(latest.order_by(Campaign.started_at.desc(), Campaign.id.desc()).limit(limit)).all()
    ids = [campaign.id for campaign in campaigns]
    people, gone = _people(session, ids), _unsubscribed(session, ids)
    return [_line(campaign, people.get(campaign.id, (0,) * 5), gone.get(campaign.id, 0)) for campaign in campaigns]


def compare_segments(session: Session, now: datetime, rows: Rows | None = None) -> SegmentComparison:
    """Everybody first, then the segments by name; two statements whatever their number."""
    *months, running = months_until(session, None, MONTHS + 1, now)
    if running.end <= now:
        months = [*months[1:], running]
    moments = edges(months, now)
    meant = definitions(session)
    there = stretches(Presence.ACTIVE, meant, Scope())
    all_people, _measured = count_people(session, Scope())
    everybody = SegmentLine(None, None, all_people, tuple(retention_between(rows or session, there, moments)))
    by_segment = retention_by_segment(rows or session, there, moments)
    segments = (
        SegmentLine(segment.id, segment.name, segment.size, _shown(segment, by_segment))
        for segment in current_segments(session)
    )
    return SegmentComparison(now, tuple(month.start for month in months), meant, (everybody, *segments))


def _shown(segment: Segment, months: Mapping[int, Sequence[Retention]]) -> tuple[Retention, ...]:
    return tuple(months.get(segment.id, ())) if (segment.size or 0) >= SMALLEST_GROUP else ()


def _people(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Audience, sent, measured, opened and clicked of each of these campaigns."""
    measured = and_(Delivery.sent_at.is_not(None), Standing.tracking == TrackingMode.PERSONAL)
    opened = Delivery.opened_at.is_not(None) | Delivery.clicked_at.is_not(None)
    counted = (
        select(
            Delivery.campaign_id,
            func.count(),
            func.count(Delivery.sent_at),
            func.count().filter(measured),
            func.count().filter(measured, opened),
            func.count().filter(measured, Delivery.clicked_at.is_not(None)),
        )
        .join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id.in_(ids))
        .group_by(Delivery.campaign_id)
    )
    return {campaign_id: tuple(figures) for campaign_id, *figures in session.execute(counted)}


def _unsubscribed(session: Session, ids: Sequence[int]) -> dict[int, int]:
    counted = select(Event.campaign_id, func.count(Event.subscriber_id.distinct())).where(
        Event.kind == UNSUBSCRIBED.code, Event.campaign_id.in_(ids)
    )
    return counts(session, counted.group_by(Event.campaign_id))


def _line(campaign: Campaign, counts: tuple[int, ...], unsubscribed: int) -> CampaignLine:
    audience, sent, measured, opened, clicked = counts
    assert campaign.started_at
    return CampaignLine(
        campaign_id=campaign.id,
        name=campaign.name,
        state=campaign.state,
        started_at=campaign.started_at,
        audience=audience,
        sent=sent,
        measured=measured,
        open_rate=share(opened, measured),
        click_rate=share(clicked, measured),
        unsubscribed=unsubscribed,
    )
