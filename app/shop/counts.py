"""The shop's columns of `standing`: how often somebody bought, for how much, when first and last.

In charge of: what each batch of new events adds to them, and counting anew where events were taken away. A refund is
negative: it lowers what was spent and is no order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce, update
from sqlalchemy.orm import Session

from app.events.models import Event
from app.importing.batch import is_among
from app.shop.kinds import PURCHASED
from app.shop.models import Order
from app.subscribers.models import Standing
from app.tally import Tally

_SILENT = {"synchronize_session": False}
_NOTHING: Mapping[str, int | None] = {"orders": 0, "spent": 0, "first_order": None, "last_order": None}


def tally_orders(session: Session, events: Sequence[Event]) -> Tally:  # noqa: ARG001 - the verb's shape
    """The purchases of a batch, person by person."""
    people: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.kind == PURCHASED.code:
            own = people.get(event.subscriber_id)
            if own is None:
                own = people[event.subscriber_id] = dict(_NOTHING)
            _add(own, event.value or 0, int(event.occurred_at.timestamp()))
    return Tally(Standing, "subscriber_id", people, _NOTHING, _more)


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
    statement = update(Standing).where(is_among(session, Standing.subscriber_id, subscriber_ids)).values(values)
    session.execute(statement, execution_options=_SILENT)


def _add(own: dict[str, Any], amount: int, at: int) -> None:
    own["spent"] += amount
    if amount >= 0:
        own["orders"] += 1
        own["first_order"] = at if own["first_order"] is None else min(own["first_order"], at)
        own["last_order"] = at if own["last_order"] is None else max(own["last_order"], at)


def _more(new: Mapping[str, Any]) -> dict[str, Any]:
    first, last = (type_coerce(column, BigInteger) for column in (Standing.first_order_at, Standing.last_order_at))
    return {
        "orders": Standing.orders + new["orders"],
        "spent": Standing.spent + new["spent"],
        "first_order_at": _choose(first, new["first_order"], new["first_order"] < first),
        "last_order_at": _choose(last, new["last_order"], new["last_order"] > last),
    }


def _choose(old: Any, new: Any, is_further: ColumnElement[bool]) -> ColumnElement[Any]:
    """The older or newer of two moments of which either may be missing."""
    return case((old.is_(None), new), (is_further, new), else_=old)
