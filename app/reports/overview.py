"""The first page as a value: how the last 30 days went, what is under way, and what a new house still lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.models import Segment
from app.campaigns.models import Campaign
from app.delivery.models import Delivery
from app.reports.campaign_people import share
from app.reports.growth import subscribers_at
from app.reports.periods import counts, inside, span
from app.reports.presence import READERS
from app.scoring.preview import tier_sizes
from app.scoring.tiers import all_tiers
from app.subscribers.models import SignupForm, Standing, Status, Subscriber, TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import HitCount
from segments.calendar import start_of

DAYS = 30


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in some days; `click_rate` is the percentage of mails to people measured personally in which they
    clicked."""

    subscribers: int
    sent: int
    click_rate: float | None
    unsubscribed: int


@dataclass(frozen=True, slots=True)
class DayHits:
    """Opens and clicks of readers on one day of the organisation's calendar."""

    day: date
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class TierSize:
    """How many active people are in a tier; `name` None are those who have none yet."""

    name: str | None
    people: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What a new house has already."""

    has_people: bool
    has_segment: bool
    has_campaign: bool
    has_form: bool
    has_sent: bool

    @property
    def is_done(self) -> bool:
        return all((self.has_people, self.has_segment, self.has_campaign, self.has_form, self.has_sent))


@dataclass(frozen=True, slots=True)
class Overview:
    """The last 30 days and the 30 before; `tiers` from the lowest."""

    as_of: datetime
    last: Window
    before: Window
    days: tuple[DayHits, ...]
    tiers: tuple[TierSize, ...]


def overview(session: Session, now: datetime) -> Overview:
    """The overview as of now."""
    ends = [now - timedelta(days=DAYS * windows) for windows in (2, 1, 0)]
    before, last = _windows(session, ends)
    return Overview(now, last, before, _days(session, now), tier_spread(session))


def setup(session: Session) -> Setup:
    """Each step, asked of the data: nobody has to tick anything."""
    steps = (
        exists(select(Subscriber.id)),
        exists(select(Segment.id)),
        exists(select(Campaign.id)),
        exists(select(SignupForm.id)),
        exists(select(Campaign.id).where(Campaign.started_at.is_not(None))),
    )
    return Setup(*(bool(step) for step in session.execute(select(*steps)).one()))


def tier_spread(session: Session) -> tuple[TierSize, ...]:
    """Active people by tier, the lowest first."""
    sizes = tier_sizes(session)
    spread = [TierSize(tier.name, sizes.get(tier.id, 0)) for tier in all_tiers(session)]
    without = sizes.get(None)
    return (TierSize(None, without), *spread) if without else tuple(spread)


def _windows(session: Session, ends: Sequence[datetime]) -> list[Window]:
    there = subscribers_at(session, ends[1:])
    mails = {number: tuple(figures) for number, *figures in session.execute(_mails(ends))}
    left = counts(session, _left(ends))
    return [_window(people, mails.get(at, (0, 0, 0)), left.get(at, 0)) for at, people in enumerate(there)]


def _window(subscribers: int, mails: tuple[int, ...], unsubscribed: int) -> Window:
    sent, measured, clicked = mails
    return Window(subscribers, sent, share(clicked, measured), unsubscribed)


def _mails(ends: Sequence[datetime]) -> Select[int, int, int, int]:
    measured = Standing.tracking == TrackingMode.PERSONAL
    return (
        select(
            span(Delivery.sent_at, ends),
            func.count(),
            func.count().filter(measured),
            func.count().filter(measured, Delivery.clicked_at.is_not(None)),
        )
        .join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id.in_(_campaigns_since(ends[0])), inside(Delivery.sent_at, ends))
        .group_by("span")
    )


def _left(ends: Sequence[datetime]) -> Select[int, int]:
    unsubscribed = (Standing.status == Status.UNSUBSCRIBED, inside(Standing.ended_at, ends))
    return select(span(Standing.ended_at, ends), func.count()).where(*unsubscribed).group_by("span")


def _days(session: Session, now: datetime) -> tuple[DayHits, ...]:
    zone = time_zone(session)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    starts = [start_of(day, zone) for day in (*days, today + timedelta(days=1))]
    counted = (
        select(span(HitCount.hour, starts), HitCount.kind, func.sum(HitCount.hits))
        .where(HitCount.verdict.in_(READERS), inside(HitCount.hour, starts))
        .group_by("span", HitCount.kind)
    )
    hits = {(number, kind): int(total) for number, kind, total in session.execute(counted)}
    return tuple(
        DayHits(day, hits.get((number, OPENED.code), 0), hits.get((number, CLICKED.code), 0))
        for number, day in enumerate(days)
    )


def _campaigns_since(moment: datetime) -> Select[int]:
    """SELECT the ids of campaigns that may have been sending then or later: the ledger is read by campaign."""
    unfinished = Campaign.finished_at.is_(None) | (Campaign.finished_at >= moment)
    return select(Campaign.id).where(Campaign.started_at.is_not(None), unfinished)
