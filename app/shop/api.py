"""Orders and products for machines: a shop tells them as they happen, as often as it likes."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.db import reading, transaction
from app.errors import Invalid
from app.shop.models import Order, Product
from app.shop.orders import NewOrder, ProductWords, order_key, save_products, take_orders
from app.shop.schemas import (
    OrderIn,
    OrderPage,
    OrderQuery,
    OrdersIn,
    OrdersTaken,
    Page,
    ProductIn,
    ProductPage,
    ProductsIn,
    ProductsSaved,
)
from app.subscribers.addresses import parse_address
from app.subscribers.hold import hold_by_address
from app.subscribers.models import Subscriber

blueprint = for_machines("shop_api", __name__)

_TAGS = ["Shop"]


@blueprint.post("/orders")
@blueprint.input(OrdersIn, arg_name="given")
@blueprint.output(OrdersTaken)
@blueprint.doc(summary="Bring in orders", tags=_TAGS)
def add_orders(given: OrdersIn) -> dict[str, Any]:
    """Known by `number` and product, so bringing a line twice changes nothing. A refused line holds up no other."""
    with transaction() as session:
        return _take(session, given.orders)


@blueprint.get("/orders")
@blueprint.input(OrderQuery, location="query", arg_name="query")
@blueprint.output(OrderPage)
@blueprint.doc(summary="List orders, the oldest first", tags=_TAGS)
def list_orders(query: OrderQuery) -> dict[str, Any]:
    """Of everybody, or of one person."""
    statement = select(Order, Subscriber.email, Product.key.label("product"))
    statement = statement.join(Subscriber, Subscriber.id == Order.subscriber_id)
    statement = statement.outerjoin(Product, Product.id == Order.product_id).where(Order.id > query.after)
    if query.subscriber_id:
        statement = statement.where(Order.subscriber_id == query.subscriber_id)
    with reading() as session:
        found = session.execute(statement.order_by(Order.id).limit(query.limit + 1)).all()
    items = [_order(order, email, product) for order, email, product in found[: query.limit]]
    return {"items": items, "next": items[-1]["id"] if len(found) > query.limit else None}


@blueprint.put("/products")
@blueprint.input(ProductsIn, arg_name="given")
@blueprint.output(ProductsSaved)
@blueprint.doc(summary="Add or change products by key", tags=_TAGS)
def put_products(given: ProductsIn) -> dict[str, int]:
    """What is left out stays as it was."""
    with transaction() as session:
        return {"saved": len(save_products(session, map(_product, given.products)))}


@blueprint.get("/products")
@blueprint.input(Page, location="query", arg_name="query")
@blueprint.output(ProductPage)
@blueprint.doc(summary="List products, the oldest first", tags=_TAGS)
def list_products(query: Page) -> dict[str, Any]:
    """All of them, by page."""
    statement = select(Product).where(Product.id > query.after).order_by(Product.id).limit(query.limit + 1)
    with reading() as session:
        found = session.scalars(statement).all()
    shown = found[: query.limit]
    return {"items": [_shown(each) for each in shown], "next": shown[-1].id if len(found) > query.limit else None}


def _take(session: Session, orders: list[OrderIn]) -> dict[str, Any]:
    keys = {index: _address_key(each.email) for index, each in enumerate(orders)}
    people = hold_by_address(session, filter(None, keys.values()))
    products = save_products(session, (_product(each.product) for each in orders if each.product))
    lines = [
        _line(each, people[str(keys[index])], products) for index, each in enumerate(orders) if keys[index] in people
    ]
    created = take_orders(session, lines)
    rejected = [
        {"index": index, "reason": "There is no customer with this address." if key else "This is no email address."}
        for index, key in keys.items()
        if key not in people
    ]
    return {"created": created, "known": len(orders) - len(rejected) - created, "rejected": rejected}


def _line(each: OrderIn, subscriber_id: int, products: dict[str, int]) -> NewOrder:
    product = each.product.key if each.product else None
    return NewOrder(
        key=order_key((each.number, product)),
        subscriber_id=subscriber_id,
        ordered_at=each.ordered_at,
        amount=int(each.amount * 100),
        quantity=each.quantity,
        product_id=products[product] if product else None,
    )


def _address_key(email: str) -> str | None:
    try:
        return parse_address(email).key
    except Invalid:
        return None


def _product(given: ProductIn) -> ProductWords:
    price = None if given.price is None else int(given.price * 100)
    return ProductWords(given.key, given.name, given.url, given.image, price)


def _order(order: Order, email: str, product: str | None) -> dict[str, Any]:
    same = {name: getattr(order, name) for name in ("id", "subscriber_id", "ordered_at", "quantity")}
    return {**same, "email": email, "product": product, "amount": order.amount / 100}


def _shown(product: Product) -> dict[str, Any]:
    same = {name: getattr(product, name) for name in ("id", "key", "name", "url", "image")}
    return {**same, "price": None if product.price is None else product.price / 100}
