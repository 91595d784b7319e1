"""What mails may say about purchases: sums, and the products somebody bought last."""

from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.shop.models import Order, Product
from app.subscribers.models import Standing

_LATEST = 4


def merge_tags(session: Session, subscriber_ids: Sequence[int], wanted: Container[str]) -> dict[int, dict[str, Any]]:
    """`orders` and `products` of each of these people, one query for each. Money is in whole units."""
    tags: dict[int, dict[str, Any]] = {}
    if "orders" in wanted:
        columns = Standing.subscriber_id, Standing.orders, Standing.spent, Standing.last_order_at
        people = session.execute(select(*columns).where(Standing.subscriber_id.in_(subscriber_ids)))
        for person, count, spent, last_at in people:
            tags[person] = {"orders": {"count": count, "sum": spent / 100, "last_at": last_at}}
    if "products" in wanted:
        for person in subscriber_ids:
            tags.setdefault(person, {})["products"] = []
        for person, name, url, image, price in session.execute(_latest(subscriber_ids)):
            product = {"name": name, "url": url, "image": image, "price": None if price is None else price / 100}
            tags[person]["products"].append(product)
    return tags


def _latest(subscriber_ids: Sequence[int]) -> Any:
    """Each person's products, the one bought last first, each once."""
    last = func.max(Order.ordered_at)
    rank = func.row_number().over(partition_by=Order.subscriber_id, order_by=(last.desc(), Order.product_id))
    bought = (
        select(Order.subscriber_id, Order.product_id, rank.label("rank"))
        .where(Order.subscriber_id.in_(subscriber_ids), Order.product_id.is_not(None), Order.amount >= 0)
        .group_by(Order.subscriber_id, Order.product_id)
        .subquery()
    )
    return (
        select(bought.c.subscriber_id, Product.name, Product.url, Product.image, Product.price)
        .join(Product, Product.id == bought.c.product_id)
        .where(bought.c.rank <= _LATEST)
        .order_by(bought.c.subscriber_id, bought.c.rank)
    )
