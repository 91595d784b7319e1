"""Taking orders: each is written once, however often it is brought, and becomes a `purchased` event with its money.

Not in charge of: whose orders these are (API and import find the customer), nor of counts (`counts.py`, which sees the
events).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import case, delete, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Base
from app.events.models import Event
from app.events.record import happening, record
from app.feature import house
from app.importing.batch import as_table, text_is_among
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product

_LONGEST_KEY = 70
_NAMES = ("key", "subscriber_id", "ordered_at", "amount", "quantity", "product_id", "import_id")
_SILENT = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A line of an order; `key` says that two are the same, `amount` is in minor units, negative for a refund."""

    key: str
    subscriber_id: int
    ordered_at: datetime
    amount: int
    quantity: int = 1
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class ProductWords:
    """What a shop says about a product."""

    key: str
    name: str | None = None
    url: str | None = None
    image: str | None = None
    price: int | None = None


def order_key(parts: Iterable[object], ordinal: int = 0) -> str:
    """Short enough for the column: the parts themselves where they fit, else their hash; `ordinal` counts equals."""
    plain = "|".join("" if part is None else str(part) for part in parts)
    key = plain if len(plain) <= _LONGEST_KEY - 10 else sha256(plain.encode()).hexdigest()[:40]
    return f"{key}#{ordinal}" if ordinal else key


def take_orders(session: Session, orders: Sequence[NewOrder], import_id: int | None = None) -> int:
    """Write those that are not known yet, with their events; how many that were."""
    rows = [
        (each.key, each.subscriber_id, each.ordered_at, each.amount, each.quantity, each.product_id, import_id)
        for each in orders
    ]
    if not rows:
        return 0
    written = session.execute(
        _insert(session, Order, _NAMES, rows)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Order.key, Order.subscriber_id, Order.ordered_at, Order.amount, Order.quantity, Order.product_id)
    ).all()
    record(
        session,
        (
            happening(
                PURCHASED,
                each.subscriber_id,
                each.ordered_at,
                value=each.amount,
                key=event_key(each.key),
                data={"quantity": each.quantity, "product": each.product_id},
            )
            for each in written
        ),
    )
    return len(written)


def known_keys(session: Session, keys: Iterable[str]) -> set[str]:
    """Which of these orders are here already."""
    return set(session.scalars(select(Order.key).where(text_is_among(session, Order.key, keys))).all())


def save_products(session: Session, products: Iterable[ProductWords]) -> dict[str, int]:
    """Make or change products by key; what is not said stays as it was. Their ids by key."""
    words = {each.key: each for each in products}
    if not words:
        return {}
    names = ("key", "name", "url", "image", "price")
    rows = [(each.key, each.name or each.key, each.url, each.image, each.price) for each in words.values()]
    statement = _insert(session, Product, names, rows)
    new = statement.excluded
    said: dict[str, Any] = {name: func.coalesce(new[name], getattr(Product, name)) for name in names[2:]}
    # A product is named by its key until it has a name, not again.
    said["name"] = case((new.name == new.key, Product.name), else_=new.name)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=said)
    return dict(session.execute(statement.returning(Product.key, Product.id)).all())


def take_back(session: Session, import_id: int, limit: int) -> int:
    """Delete the next orders of an import with their events; how many that were."""
    found = session.execute(select(Order.id, Order.key).where(Order.import_id == import_id).limit(limit)).all()
    if not found:
        return 0
    ids = as_table(session, {"id": Order.id.type}, ((each.id,) for each in found))
    keys = as_table(session, {"key": Event.key.type}, ((event_key(each.key),) for each in found))
    people = session.scalars(
        delete(Event).where(Event.key.in_(select(keys.c.key))).returning(Event.subscriber_id),
        execution_options=_SILENT,
    ).all()
    session.execute(delete(Order).where(Order.id.in_(select(ids.c.id))), execution_options=_SILENT)
    house().on_events_removed(session, sorted(set(people)))
    return len(found)


def event_key(key: str) -> str:
    """The key of the event that an order became."""
    return f"order:{key}"


def _insert(session: Session, table: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    types = {name: getattr(table, name).type for name in names}
    return dialect.insert(table).from_select(list(names), select(as_table(session, types, rows)).where(true()))
