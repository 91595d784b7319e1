"""The shop, for marketers: what was sold by month, to whom last, and which products mails can show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from babel.dates import format_date
from flask import render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.accounts.organisation import this_organisation, time_zone
from app.db import reading
from app.intake import whole
from app.shop.models import Order, Product
from app.shop.revenue import Month, revenue_by_month
from app.subscribers.models import Subscriber

blueprint = for_marketers("shop", __name__, url_prefix="/shop")

_ORDERS = 25
_PRODUCTS = 10
_MONTHS = 24


@blueprint.get("/")
def index() -> str:
    """Revenue, latest orders, products sold most."""
    page = max(1, request.args.get("page", 1, type=whole))
    with reading() as session:
        months = revenue_by_month(session, time_zone(session), _MONTHS)
        total = session.scalar(select(func.count()).select_from(Order)) or 0
        orders = _orders(session, page)
        return render_template(
            "shop/index.html",
            orders=orders,
            page=_page(page, len(orders), total),
            products=_products(session),
            months=months,
            chart=_chart(months),
        )


def _orders(session: Session, page: int) -> Sequence[Any]:
    statement = (
        select(Order, Subscriber, Product)
        .join(Subscriber, Subscriber.id == Order.subscriber_id)
        .outerjoin(Product, Product.id == Order.product_id)
        .order_by(Order.ordered_at.desc(), Order.id.desc())
    )
    return session.execute(statement.offset((page - 1) * _ORDERS).limit(_ORDERS)).all()


def _products(session: Session) -> Sequence[Any]:
    """Those that brought most."""
    sums = func.sum(Order.quantity).label("sold"), func.sum(Order.amount).label("revenue")
    each = select(Order.product_id, *sums).where(Order.product_id.is_not(None)).group_by(Order.product_id).subquery()
    statement = select(Product, each.c.sold, each.c.revenue).outerjoin(each, each.c.product_id == Product.id)
    ranked = statement.order_by(func.coalesce(each.c.revenue, 0).desc(), Product.id)
    return session.execute(ranked.limit(_PRODUCTS)).all()


def _page(page: int, shown: int, total: int) -> dict[str, Any]:
    first = (page - 1) * _ORDERS + 1
    return {
        "first": first if shown else 0,
        "last": first + shown - 1 if shown else 0,
        "total": total,
        "previous_url": url_for(".index", page=page - 1) if page > 1 else None,
        "next_url": url_for(".index", page=page + 1) if page * _ORDERS < total else None,
    }


def _chart(months: Sequence[Month]) -> dict[str, Any]:
    found = this_organisation()
    return {
        "labels": [_name(each.begins) for each in months],
        "series": [{"name": _("Revenue"), "values": [each.amount / 100 for each in months]}],
        "unit": "money",
        "currency": found.currency if found else "EUR",
        "axis": _("Month"),
    }


def _name(begins: datetime) -> str:
    return format_date(begins.date(), "MMM y", locale=get_locale() or "en")
