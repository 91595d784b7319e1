"""What mails may say about purchases: sums, and the products somebody bought last."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session

from app.db import one_of, rows
from app.shop.models import Order, Product
from app.subscribers.models import Standing

_LATEST = 4


def merge_tags(session: Session, subscriber_ids: Sequence[int], wanted: Container[str]) -> dict[int, dict[str, Any]]:
    """`orders` and `products` of each of these people, at most three queries for all. Money is in whole units.

    Of two people who bought the same, both have the very same product, so that what is made of it is made once.
    """
    tags: dict[int, dict[str, Any]] = {person: {} for person in subscriber_ids}
    if "orders" in wanted:
        columns = Standing.subscriber_id, Standing.orders, Standing.spent, Standing.last_order_at
        people = select(*columns).where(one_of(Standing.subscriber_id, subscriber_ids))
        for person, count, spent, last_at in rows(session, people):
            tags[person]["orders"] = {"count": count, "sum": spent / 100, "last_at": last_at}
    if "products" in wanted:
        latest = _latest(session, subscriber_ids)
        products = _products(session, {product for bought in latest.values() for product in bought})
        for person, values in tags.items():
            values["products"] = [products[product] for product in latest.get(person, ())]
    return tags


def _latest(session: Session, subscriber_ids: Sequence[int]) -> dict[int, list[int]]:
    """Each person's products, the one bought last first, each once."""
    last = type_coerce(func.max(Order.ordered_at), BigInteger)
    bought = (
        select(Order.subscriber_id, Order.product_id, last)
        .where(one_of(Order.subscriber_id, subscriber_ids), Order.product_id.is_not(None), Order.amount >= 0)
        .group_by(Order.subscriber_id, Order.product_id)
    )
    latest: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for person, product, at in rows(session, bought):
        latest[person].append((-at, product))
    return {person: [product for _, product in sorted(of)[:_LATEST]] for person, of in latest.items()}


def _products(session: Session, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    columns = Product.id, Product.name, Product.url, Product.image, Product.price
    return {key: _product(*said) for key, *said in rows(session, select(*columns).where(one_of(Product.id, list(ids))))}


@lru_cache(4096)
def _product(name: str, url: str | None, image: str | None, price: int | None) -> dict[str, Any]:
    """As a mail says it; nobody changes it."""
    return {"name": name, "url": url, "image": image, "price": None if price is None else price / 100}
