"""The shop's columns of `standing`: how often somebody bought, for how much, when first and last.

In charge of: adding each batch of new events to them, and counting anew where events were taken away. A refund is
negative: it lowers what was spent and is no order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from app.db import Instant
from app.events.models import Event
from app.importing.batch import Types, as_table
from app.shop.kinds import PURCHASED
from app.shop.models import Order
from app.subscribers.models import Standing

_SILENT = {"synchronize_session": False}


def on_events(session: Session, events: Sequence[Event]) -> None:
    """Add the purchases of a batch, one row per person, in one statement."""
    sums: dict[int, tuple[int, int, datetime | None, datetime | None]] = {}
    for event in events:
        if event.kind == PURCHASED.code:
            sums[event.subscriber_id] = _plus(sums.get(event.subscriber_id, (0, 0, None, None)), event)
    if not sums:
        return
    number, moment = BigInteger(), Instant()
    types: Types = {"id": number, "orders": number, "spent": number, "first": moment, "last": moment}
    new = as_table(session, types, ((each, *of) for each, of in sums.items())).c
    values = {
        "orders": Standing.orders + new.orders,
        "spent": Standing.spent + new.spent,
        "first_order_at": _choose(Standing.first_order_at, new.first, Standing.first_order_at < new.first),
        "last_order_at": _choose(Standing.last_order_at, new.last, Standing.last_order_at > new.last),
    }
    statement = update(Standing).where(Standing.subscriber_id == new.id).values(values)
    session.execute(statement, execution_options=_SILENT)


def on_events_removed(session: Session, subscriber_ids: Sequence[int]) -> None:
    """Count the orders of these people anew."""
    asked = as_table(session, {"id": BigInteger()}, ((each,) for each in subscriber_ids))
    mine = Order.subscriber_id == Standing.subscriber_id
    bought = select(func.count()).where(mine, Order.amount >= 0)
    values = {
        "orders": bought.scalar_subquery(),
        "spent": select(func.coalesce(func.sum(Order.amount), 0)).where(mine).scalar_subquery(),
        "first_order_at": select(func.min(Order.ordered_at)).where(mine, Order.amount >= 0).scalar_subquery(),
        "last_order_at": select(func.max(Order.ordered_at)).where(mine, Order.amount >= 0).scalar_subquery(),
    }
    statement = update(Standing).where(Standing.subscriber_id.in_(select(asked.c.id))).values(values)
    session.execute(statement, execution_options=_SILENT)


def _plus(
    before: tuple[int, int, datetime | None, datetime | None], event: Event
) -> tuple[int, int, datetime | None, datetime | None]:
    orders, spent, first, last = before
    amount, at = event.value or 0, event.occurred_at
    if amount < 0:
        return orders, spent + amount, first, last
    return orders + 1, spent + amount, min(first or at, at), max(last or at, at)


def _choose(old: Any, new: Any, keeps_old: ColumnElement[bool]) -> Any:
    """The older or newer of two moments of which either may be missing."""
    return case((new.is_(None), old), (keeps_old, old), else_=new)
