"""The first page as a value: how the last 30 days went, what is under way, and what a new house still lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.models import Segment
from app.campaigns.models import Campaign
from app.delivery.models import Delivery
from app.reports.campaign_people import share
from app.reports.engagement import campaigns_since
from app.reports.growth import subscribers_at
from app.reports.periods import counts, span_table, within
from app.reports.presence import READERS
from app.scoring.preview import tier_sizes
from app.scoring.tiers import all_tiers
from app.subscribers.models import SignupForm, Standing, Status, Subscriber, TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import HitCount
from segments.calendar import start_of
from segments.cohort import Period

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
    starts = [now - timedelta(days=DAYS * windows) for windows in (2, 1)]
    last, before = _windows(session, starts, now)
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


def _windows(session: Session, starts: Sequence[datetime], now: datetime) -> tuple[Window, Window]:
    spans = [Period(0, "", starts[0], starts[1]), Period(1, "", starts[1], now)]
    there = subscribers_at(session, [starts[1], now])
    mails = {number: tuple(figures) for number, *figures in session.execute(_mails(spans, now))}
    left = counts(session, _left(spans, now))
    before, last = (_window(there[at], mails.get(at, (0, 0, 0)), left.get(at, 0)) for at in (0, 1))
    return last, before


def _window(subscribers: int, mails: tuple[int, ...], unsubscribed: int) -> Window:
    sent, measured, clicked = mails
    return Window(subscribers, sent, share(clicked, measured), unsubscribed)


def _mails(spans: Sequence[Period], now: datetime) -> Select[int, int, int, int]:
    span = span_table(spans, now)
    measured = Standing.tracking == TrackingMode.PERSONAL
    return (
        select(
            span.c.number,
            func.count(),
            func.count().filter(measured),
            func.count().filter(measured, Delivery.clicked_at.is_not(None)),
        )
        .select_from(Delivery)
        .join(span, within(Delivery.sent_at, span))
        .join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id.in_(campaigns_since(spans[0].start)))
        .group_by(span.c.number)
    )


def _left(spans: Sequence[Period], now: datetime) -> Select[int, int]:
    span = span_table(spans, now)
    unsubscribed = and_(Standing.status == Status.UNSUBSCRIBED, within(Standing.ended_at, span))
    return select(span.c.number, func.count()).join(Standing, unsubscribed).group_by(span.c.number)


def _days(session: Session, now: datetime) -> tuple[DayHits, ...]:
    zone = time_zone(session)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    spans = [Period(0, "", start_of(day, zone), start_of(day + timedelta(days=1), zone)) for day in days]
    span = span_table(spans, now)
    counted = (
        select(span.c.number, HitCount.kind, func.sum(HitCount.hits))
        .join(HitCount, within(HitCount.hour, span))
        .where(HitCount.verdict.in_(READERS))
        .group_by(span.c.number, HitCount.kind)
    )
    hits = {(number, kind): int(total) for number, kind, total in session.execute(counted)}
    return tuple(
        DayHits(day, hits.get((number, OPENED.code), 0), hits.get((number, CLICKED.code), 0))
        for number, day in enumerate(days)
    )
