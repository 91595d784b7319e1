"""Campaigns side by side: a row for each.

A small campaign is counted when it is looked at. What a large one came to is read from the report of it that is kept,
and while there is none the shards say how many it is for and how many got it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery, Shard
from app.events.models import IS_RARE, Event
from app.reports.campaign_people import share
from app.reports.kept import kept_answers
from app.reports.kinds import CAMPAIGN, LIVE_MAILS, CampaignAsked
from app.reports.periods import counts
from app.subscribers.kinds import UNSUBSCRIBED
from app.subscribers.models import Standing, TrackingMode


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign's key figures; rates in percent of the people measured personally. None is what is not counted yet."""

    campaign_id: int
    name: str
    state: CampaignState
    started_at: datetime
    audience: int
    sent: int
    measured: int | None
    open_rate: float | None
    click_rate: float | None
    unsubscribed: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """People of a campaign: its audience, those it was sent to, those of them who are measured personally, opened and
    clicked, and those who unsubscribed by it. `as_of` is None if they were counted just now."""

    audience: int = 0
    sent: int = 0
    measured: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """What the shards say: how many a campaign is for, and how many mails were accepted."""

    audience: int = 0
    sent: int = 0


def compare_campaigns(session: Session, limit: int) -> list[CampaignLine]:
    """The campaigns launched last, the latest first."""
    latest = select(Campaign).where(Campaign.started_at.is_not(None), Campaign.archived_at.is_(None))
    campaigns = session.scalars(latest.order_by(Campaign.started_at.desc(), Campaign.id.desc()).limit(limit)).all()
    written = _written(session, [campaign.id for campaign in campaigns])
    large = {campaign_id for campaign_id, row in written.items() if row.audience > LIVE_MAILS}
    small = [campaign.id for campaign in campaigns if campaign.id not in large]
    found = kept_figures(session, large) | _counted(session, small)
    return [_line(campaign, written.get(campaign.id, _Written()), found.get(campaign.id)) for campaign in campaigns]


def kept_figures(session: Session, ids: Iterable[int]) -> dict[int, Figures]:
    """Of those of these campaigns whose report is kept, as of when it was counted."""
    reports = kept_answers(session, CAMPAIGN, [CampaignAsked(campaign_id=each) for each in ids])
    return {
        report.campaign_id: Figures(
            report.audience,
            report.people.sent,
            report.people.personal,
            report.people.opened,
            report.people.clicked,
            report.unsubscribed,
            report.as_of,
        )
        for report in reports
    }


def _written(session: Session, ids: Sequence[int]) -> dict[int, _Written]:
    summed = select(Shard.campaign_id, func.sum(Shard.size), func.sum(Shard.accepted))
    rows = session.execute(summed.where(Shard.campaign_id.in_(ids)).group_by(Shard.campaign_id))
    return {campaign_id: _Written(int(size), int(accepted)) for campaign_id, size, accepted in rows}


def _counted(session: Session, ids: Sequence[int]) -> dict[int, Figures]:
    if not ids:
        return {}
    people, gone = _people(session, ids), _unsubscribed(session, ids)
    return {each: Figures(*people.get(each, _NOBODY), unsubscribed=gone.get(each, 0)) for each in ids}


_Five: TypeAlias = tuple[int, int, int, int, int]
_NOBODY: _Five = (0, 0, 0, 0, 0)


def _people(session: Session, ids: Sequence[int]) -> dict[int, _Five]:
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
    return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in session.execute(counted)}


def _unsubscribed(session: Session, ids: Sequence[int]) -> dict[int, int]:
    counted = select(Event.campaign_id, func.count(Event.subscriber_id.distinct())).where(
        IS_RARE, Event.kind == UNSUBSCRIBED.code, Event.campaign_id.in_(ids)
    )
    return counts(session, counted.group_by(Event.campaign_id))


def _line(campaign: Campaign, written: _Written, found: Figures | None) -> CampaignLine:
    assert campaign.started_at
    return CampaignLine(
        campaign_id=campaign.id,
        name=campaign.name,
        state=campaign.state,
        started_at=campaign.started_at,
        # While it is sent, the shards know more than what was kept.
        audience=max(written.audience, found.audience if found else 0),
        sent=max(written.sent, found.sent if found else 0),
        measured=found.measured if found else None,
        open_rate=share(found.opened, found.measured) if found else None,
        click_rate=share(found.clicked, found.measured) if found else None,
        unsubscribed=found.unsubscribed if found else None,
    )
