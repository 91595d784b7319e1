"""Taking orders: each is written once, however often it is brought, and becomes a `purchased` event with its money.

Not in charge of: whose orders these are (API and import find the customer), nor of counts (`counts.py`, which sees the
events).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import case, delete, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.bulk import Every, Stored, insert_columns
from app.db import one_of
from app.events.models import Event
from app.events.record import record_for_all
from app.feature import house
from app.importing.batch import as_table, no_twins, with_texts
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product

_LONGEST_KEY = 70
_SILENT = {"synchronize_session": False}


class Orders(NamedTuple):
    """Lines of orders side by side: `keys` say that two are the same, `moments` are seconds since 1970 UTC.

    `amounts` are in minor units, negative for a refund; `products` are ids, or None.
    """

    keys: Sequence[str]
    people: Sequence[int]
    moments: Sequence[int]
    amounts: Sequence[int]
    quantities: Sequence[int]
    products: Sequence[int | None]

    def by_person(self) -> "Orders":
        """The same, those of a person together: so each page of an index by person is found once."""
        order = sorted(range(len(self.people)), key=self.people.__getitem__)
        return Orders._make([of[place] for place in order] for of in self)


class NewOrder(NamedTuple):
    """One of them."""

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
    plain = "|".join(["" if part is None else str(part) for part in parts])
    key = plain if len(plain) <= _LONGEST_KEY - 10 else sha256(plain.encode()).hexdigest()[:40]
    return f"{key}#{ordinal}" if ordinal else key


def take_orders(session: Session, orders: Iterable[NewOrder]) -> int:
    """Write those that are not known yet, each once, of people who are held; how many that were."""
    lines = {each.key: each for each in orders}
    known = known_keys(session, lines)
    new = [each for key, each in lines.items() if key not in known]
    if new:
        keys, people, moments, *others = zip(*new, strict=True)
        add_orders(session, Orders(keys, people, [int(at.timestamp() // 1) for at in moments], *others))
    return len(new)


def add_orders(session: Session, orders: Orders, import_id: int | None = None) -> None:
    """Write orders of people who are held, none of which is known, and their events."""
    orders = orders.by_person()
    columns = {
        "key": orders.keys,
        "subscriber_id": orders.people,
        "ordered_at": Stored(orders.moments),
        "amount": orders.amounts,
        "quantity": orders.quantities,
        "product_id": orders.products,
        "import_id": Every(import_id),
    }
    with no_twins(session, _("One of these orders has just been brought in by somebody else.")):
        insert_columns(session, Order, columns, len(orders.keys))
    bought = cache(lambda quantity, product: {"quantity": quantity, "product": product})
    record_for_all(
        session,
        PURCHASED,
        orders.people,
        occurred_at=Stored(orders.moments),
        value=orders.amounts,
        key=[event_key(each) for each in orders.keys],
        data=list(map(bought, orders.quantities, orders.products)),
    )


def known_keys(session: Session, keys: Iterable[str]) -> set[str]:
    """Which of these orders are here already."""
    orders = Order.__table__
    source, is_asked = with_texts(session, orders.c.key, keys)
    return set(session.scalars(select(orders.c.key).select_from(source).where(is_asked)).all())


def save_products(session: Session, products: Iterable[ProductWords]) -> dict[str, int]:
    """Make or change products by key; what is not said stays as it was. Their ids by key."""
    words = {each.key: each for each in products}
    if not words:
        return {}
    names = ("key", "name", "url", "image", "price")
    rows = [(each.key, each.name or each.key, each.url, each.image, each.price) for each in words.values()]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    given = as_table(session, {name: getattr(Product, name).type for name in names}, rows)
    statement = dialect.insert(Product).from_select(list(names), select(given).where(true()))
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
    keys = as_table(session, {"key": Event.key.type}, ((event_key(each.key),) for each in found))
    people = session.scalars(
        delete(Event).where(Event.key.in_(select(keys.c.key))).returning(Event.subscriber_id),
        execution_options=_SILENT,
    ).all()
    session.execute(delete(Order).where(one_of(Order.id, [each.id for each in found])), execution_options=_SILENT)
    house().on_events_removed(session, sorted(set(people)))
    return len(found)


def event_key(key: str) -> str:
    """The key of the event that an order became."""
    return f"order:{key}"
