"""The words that rules may say about purchases."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.events.models import Event
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product
from app.subscribers.models import Standing
from segments.label import Label
from segments.vocabulary import Choices, Field, FieldType, Group, Happening

# A list of more products than this is no help to choose from; then every key may be typed.
_CHOICES = 500


def fields(session: Session) -> Iterator[Field]:
    """All words about purchases that can be said now."""
    found = organisation(session)
    currency = found.currency if found else "EUR"
    group = Group.PURCHASES
    yield Field("orders", Label("number of orders", "Anzahl der Bestellungen"), FieldType.NUMBER, _orders, group)
    yield Field("spent", Label("amount spent", "Umsatz"), FieldType.MONEY, _spent, group, currency=currency)
    average = Label("average order value", "durchschnittlicher Bestellwert")
    yield Field("average_order", average, FieldType.MONEY, _average, group, currency=currency)
    yield Field("first_order_at", Label("first order", "erste Bestellung"), FieldType.MOMENT, _first, group)
    yield Field("last_order_at", Label("last order", "letzte Bestellung"), FieldType.MOMENT, _last, group)
    yield Field("purchased", Label("bought", "gekauft"), FieldType.EVENT, _purchased, group)
    products = Label("bought products", "gekaufte Produkte")
    yield Field("products", products, FieldType.LIST, _has_bought, group, _products(session))


def _orders() -> ColumnElement[Any]:
    return Standing.orders.expression


def _spent() -> ColumnElement[Any]:
    return Standing.spent.expression


def _average() -> ColumnElement[Any]:
    return case((Standing.orders > 0, Standing.spent / Standing.orders))


def _first() -> ColumnElement[Any]:
    return Standing.first_order_at.expression


def _last() -> ColumnElement[Any]:
    return Standing.last_order_at.expression


def _purchased(happening: Happening) -> ColumnElement[bool]:
    """A refund is no purchase. Campaigns are asked too, so that a rule that names one means what it says."""
    bought = [Event.kind == PURCHASED.code, Event.value >= 0]
    bought += [Event.occurred_at >= happening.since] if happening.since else []
    bought += [Event.occurred_at < happening.until] if happening.until else []
    bought += [Event.campaign_id == happening.campaign] if happening.campaign else []
    people = select(Event.subscriber_id).where(*bought).group_by(Event.subscriber_id)
    return Standing.subscriber_id.in_(people.having(func.count() >= happening.at_least))


def _has_bought(keys: Sequence[str]) -> ColumnElement[bool]:
    bought = select(Order.subscriber_id).join(Product, Product.id == Order.product_id)
    return Standing.subscriber_id.in_(bought.where(Product.key.in_(keys), Order.amount >= 0))


def _products(session: Session) -> Choices:
    found = session.execute(select(Product.key, Product.name).order_by(Product.name).limit(_CHOICES + 1)).all()
    return tuple((key, Label(name, name)) for key, name in found) if len(found) <= _CHOICES else ()
