"""Writes customers, products and orders, in this order, and takes orders and then people back."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.bulk import parents_seen
from app.importing.importer import Plan, Rows, Undone
from app.importing.models import Import
from app.shop.importing.plan import Work, as_people
from app.shop.orders import Orders, ProductWords, add_orders, save_products, take_back
from app.subscribers.hold import hold_by_address
from app.subscribers.importing.apply import apply as apply_people
from app.subscribers.importing.parts import KEY
from app.subscribers.importing.undo import undo as undo_people


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:
    """Write what was planned."""
    work: Work = plan.work
    rows, customers = work.rows, dict(work.customers)
    if work.people.work:
        apply_people(session, as_people(import_), work.people, now)
        customers |= hold_by_address(session, work.people.work.newcomers.keys)
    products = save_products(session, _products(rows))
    orders = Orders(
        keys=rows.column("key"),
        people=[customers[key] for key in rows.columns[KEY]],
        moments=rows.column("ordered_at"),
        amounts=rows.column("amount"),
        quantities=[1 if each is None else each for each in rows.column("quantity")],
        products=[each and products[each] for each in rows.column("product_key")],
    )
    # The customers are held or new, the products just written, the import is at work.
    with parents_seen(session):
        add_orders(session, orders, import_.id)


def undo(session: Session, import_: Import, limit: int, now: datetime) -> Undone:
    """First the orders, then the people who came with them."""
    touched = take_back(session, import_.id, limit)
    return Undone(touched) if touched else undo_people(session, import_, limit, now)


def _products(rows: Rows) -> list[ProductWords]:
    names = dict(zip(rows.column("product_key"), rows.column("product"), strict=True))
    return [ProductWords(key, name) for key, name in names.items() if key]
