"""The first page as a value: how the last 30 days went, what is under way, and what a new house still lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.models import Segment
from app.campaigns.models import Campaign
from app.delivery.models import Delivery
from app.reports.campaign_lines import kept_figures
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
    mails, left = _mails(session, ends), counts(session, _left(ends))
    return [_window(people, mails[at], left.get(at, 0)) for at, people in enumerate(there)]


def _window(subscribers: int, mails: "_Mails", unsubscribed: int) -> Window:
    return Window(subscribers, mails.sent, share(mails.clicked, mails.measured), unsubscribed)


@dataclass(slots=True)
class _Mails:
    """Mails that were sent, those of them to people measured personally, and those in which they clicked."""

    sent: int = 0
    measured: int = 0
    clicked: int = 0

    def add(self, sent: int, measured: int, clicked: int) -> None:
        self.sent, self.measured, self.clicked = self.sent + sent, self.measured + measured, self.clicked + clicked


def _mails(session: Session, ends: Sequence[datetime]) -> list[_Mails]:
    """By window. Of a campaign that is kept and went out within one, what was kept; of others by the ledger."""
    campaigns = {row.id: row for row in session.execute(_campaigns_since(ends[0]))}
    found = [_Mails() for _end in ends[1:]]
    for campaign_id, figures in kept_figures(session, campaigns).items():
        row = campaigns[campaign_id]
        if row.finished_at is None or (figures.as_of and figures.as_of < row.finished_at):
            continue
        for mails, (start, end) in zip(found, pairwise(ends), strict=True):
            if start <= row.started_at <= row.finished_at < end:
                mails.add(figures.sent, figures.measured, figures.clicked)
                del campaigns[campaign_id]
    for at, sent, measured, clicked in session.execute(_by_ledger(campaigns, ends)):
        found[at].add(sent, measured, clicked)
    return found


def _by_ledger(campaigns: Iterable[int], ends: Sequence[datetime]) -> Select[int, int, int, int]:
    measured = Standing.tracking == TrackingMode.PERSONAL
    return (
        select(
            span(Delivery.sent_at, ends),
            func.count(),
            func.count().filter(measured),
            func.count().filter(measured, Delivery.clicked_at.is_not(None)),
        )
        .join(Standing, Standing.subscriber_id == Delivery.subscriber_id)
        .where(Delivery.campaign_id.in_(campaigns), inside(Delivery.sent_at, ends))
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


def _campaigns_since(moment: datetime) -> Select[int, datetime | None, datetime | None]:
    """SELECT the campaigns that may have been sending then or later: the ledger is read by campaign."""
    unfinished = Campaign.finished_at.is_(None) | (Campaign.finished_at >= moment)
    times = (Campaign.started_at, Campaign.finished_at)
    return select(Campaign.id, *times).where(Campaign.started_at.is_not(None), unfinished)
