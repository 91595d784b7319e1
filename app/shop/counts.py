"""The shop's columns of `standing`: how often somebody bought, for how much, when first and last.

In charge of: adding each batch of new events to them, and counting anew where events were taken away. A refund is
negative: it lowers what was spent and is no order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce, update
from sqlalchemy.orm import Session

from app.db import one_of
from app.events.batch import NewEvents
from app.shop.kinds import PURCHASED
from app.shop.models import Order
from app.subscribers.models import Standing
from app.tally import Tally

# How many orders, what they cost, and the first and last of them in seconds since 1970.
_Sums = tuple[int, int, int | None, int | None]
_NOTHING: _Sums = (0, 0, None, None)
_SILENT = {"synchronize_session": False}


def tally_orders(_session: Session, events: NewEvents) -> Tally:
    """What the purchases of a batch add to people."""
    people: dict[int, _Sums] = {}
    for person, at, value in events.of(PURCHASED.code, "subscriber_id", "occurred_at", "value"):
        people[person] = _plus(people.get(person, _NOTHING), at, value or 0)
    return Tally(Standing, "subscriber_id", ("orders", "spent", "first", "last"), people, _NOTHING, _more)


def on_events_removed(session: Session, subscriber_ids: Sequence[int]) -> None:
    """Count the orders of these people anew."""
    mine = Order.subscriber_id == Standing.subscriber_id
    bought = select(func.count()).where(mine, Order.amount >= 0)
    values = {
        "orders": bought.scalar_subquery(),
        "spent": select(func.coalesce(func.sum(Order.amount), 0)).where(mine).scalar_subquery(),
        "first_order_at": select(func.min(Order.ordered_at)).where(mine, Order.amount >= 0).scalar_subquery(),
        "last_order_at": select(func.max(Order.ordered_at)).where(mine, Order.amount >= 0).scalar_subquery(),
    }
    statement = update(Standing).where(one_of(Standing.subscriber_id, subscriber_ids)).values(values)
    session.execute(statement, execution_options=_SILENT)


def _plus(before: _Sums, at: int, amount: int) -> _Sums:
    orders, spent, first, last = before
    if amount < 0:
        return orders, spent + amount, first, last
    return orders + 1, spent + amount, min(first or at, at), max(last or at, at)


def _more(new: Mapping[str, Any]) -> dict[str, Any]:
    first, last = (type_coerce(each, BigInteger) for each in (Standing.first_order_at, Standing.last_order_at))
    return {
        "orders": Standing.orders + new["orders"],
        "spent": Standing.spent + new["spent"],
        "first_order_at": _choose(first, new["first"], first < new["first"]),
        "last_order_at": _choose(last, new["last"], last > new["last"]),
    }


def _choose(old: Any, new: Any, keeps_old: ColumnElement[bool]) -> Any:
    """The older or newer of two moments of which either may be missing."""
    return case((new.is_(None), old), (keeps_old, old), else_=new)
