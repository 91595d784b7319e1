"""What is known of orders in the past: the columns of Standing as they were."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, case, cast, func, select
from sqlalchemy.orm import Session

from app.feature import History
from app.shop.models import Order


def _counts_then(_session: Session, moment: datetime) -> "Select[*tuple[Any, ...]]":
    """Just before a moment, of those who had bought anything; `counts.py` keeps the present."""
    bought = Order.amount >= 0
    counted = select(
        Order.subscriber_id,
        func.count(case((bought, Order.id))).label("orders"),
        cast(func.sum(Order.amount), BigInteger).label("spent"),
        func.min(case((bought, Order.ordered_at))).label("first_order_at"),
        func.max(case((bought, Order.ordered_at))).label("last_order_at"),
    )
    return counted.where(Order.ordered_at < moment).group_by(Order.subscriber_id)


HISTORY = History(
    {"order": "ordered_at"}, {"orders": 0, "spent": 0, "first_order_at": None, "last_order_at": None}, _counts_then
)
