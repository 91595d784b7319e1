"""What people did, month by month: mails sent, opens, clicks, readers, purchases, revenue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select

from app.delivery.models import Delivery
from app.events.models import Event
from app.reports.periods import counts, edges, inside, span
from app.reports.presence import READERS, bought, clicked
from app.reports.rows import Rows
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


def engagement(rows: Rows, scope: Scope, months: Sequence[Period], now: datetime) -> list[Engagement]:
    """An Engagement for each month, in two statements."""
    ends = edges(months, now)
    opened = and_(Event.kind == OPENED.code, Event.verdict.in_(READERS))
    person = Event.subscriber_id
    counted = (
        select(
            span(Event.occurred_at, ends),
            func.count().filter(opened),
            func.count().filter(clicked()),
            func.count(person.distinct()).filter(opened | clicked()),
            func.count().filter(bought()),
            func.count(person.distinct()).filter(bought()),
            func.sum(Event.value).filter(Event.kind == PURCHASED.code),
        )
        .select_from(Event)
        .where(Event.kind.in_((OPENED.code, CLICKED.code, PURCHASED.code)), inside(Event.occurred_at, ends))
        .group_by("span")
    )
    sent = _sent(rows, scope, ends)
    found = rows.execute(scope.of(counted, person, Event.occurred_at))
    by_span = {number: figures for number, *figures in found}
    return [
        Engagement(sent.get(at, 0), *(int(figure or 0) for figure in by_span.get(at, (0,) * 6)))
        for at in range(len(months))
    ]


def _sent(rows: Rows, scope: Scope, ends: Sequence[datetime]) -> dict[int, int]:
    # Not by campaign: a second column of the ledger takes as long to read as the first.
    counted = select(span(Delivery.sent_at, ends), func.count()).where(inside(Delivery.sent_at, ends)).group_by("span")
    return counts(rows, scope.of(counted, Delivery.subscriber_id, Delivery.sent_at))
