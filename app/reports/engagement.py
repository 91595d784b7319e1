"""What people did, month by month: mails sent, opens, clicks, readers, purchases, revenue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.delivery.models import Delivery
from app.events.models import Event
from app.reports.periods import counts, span_table, within
from app.reports.presence import READERS, bought, clicked
from app.reports.scope import Scope
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED, OPENED
from segments.cohort import Period


@dataclass(frozen=True, slots=True)
class Engagement:
    """`opens`, `clicks` and `readers` (people who did either) are of people measured personally, without machines;
    `revenue` is in minor units, refunds taken off."""

    sent: int = 0
    opens: int = 0
    clicks: int = 0
    readers: int = 0
    purchases: int = 0
    buyers: int = 0
    revenue: int = 0


def engagement(session: Session, scope: Scope, months: Sequence[Period], now: datetime) -> list[Engagement]:
    """An Engagement for each month, in two statements."""
    span = span_table(months, now)
    opened = and_(Event.kind == OPENED.code, Event.verdict.in_(READERS))
    person = Event.subscriber_id
    counted = (
        select(
            span.c.number,
            func.count().filter(opened),
            func.count().filter(clicked()),
            func.count(person.distinct()).filter(opened | clicked()),
            func.count().filter(bought()),
            func.count(person.distinct()).filter(bought()),
            func.coalesce(func.sum(Event.value).filter(Event.kind == PURCHASED.code), 0),
        )
        .select_from(Event)
        .join(span, within(Event.occurred_at, span))
        .where(Event.kind.in_((OPENED.code, CLICKED.code, PURCHASED.code)), scope.has(person, Event.occurred_at))
        .group_by(span.c.number)
    )
    sent = _sent(session, scope, months, now)
    rows = {number: figures for number, *figures in session.execute(counted)}
    return [
        Engagement(sent.get(at, 0), *(int(figure) for figure in rows.get(at, (0,) * 6))) for at in range(len(months))
    ]


def _sent(session: Session, scope: Scope, months: Sequence[Period], now: datetime) -> dict[int, int]:
    span = span_table(months, now)
    counted = (
        select(span.c.number, func.count())
        .select_from(Delivery)
        .join(span, within(Delivery.sent_at, span))
        .where(Delivery.campaign_id.in_(campaigns_since(months[0].start)))
        .where(scope.has(Delivery.subscriber_id, Delivery.sent_at))
        .group_by(span.c.number)
    )
    return counts(session, counted)


def campaigns_since(moment: datetime) -> Select[int]:
    """SELECT the ids of campaigns that may have been sending then or later: the ledger is read by campaign."""
    unfinished = Campaign.finished_at.is_(None) | (Campaign.finished_at >= moment)
    return select(Campaign.id).where(Campaign.started_at.is_not(None), unfinished)
