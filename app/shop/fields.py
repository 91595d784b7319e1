"""The words that rules may say about purchases."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Select, and_, case, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.shop.models import Order, Product
from app.subscribers.models import Standing
from segments.label import Label
from segments.rfm_case import CLASS_LABELS, rfm_case
from segments.truth import known
from segments.vocabulary import Choices, Field, FieldType, Group, Happening, Offered

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
    known = _products(session)
    product: dict[str, Offered] = {"product": known}
    bought = Label("bought", "gekauft")
    yield Field("purchased", bought, FieldType.EVENT, _purchased, group, details=product, shows=_orders_in)
    yield Field(
        "spent_in",
        Label("spent in a time", "ausgegeben in einer Zeit"),
        FieldType.TOTAL,
        _test_of(_spent_in, _spent),
        group,
        currency=currency,
        details=product,
        aliases=("spent", "spend", "ausgegeben"),
        shows=_spent_by_person,
    )
    yield Field(
        "average_order_in",
        Label("average order in a time", "durchschnittliche Bestellung in einer Zeit"),
        FieldType.TOTAL,
        _test_of(_average_in, _average),
        group,
        currency=currency,
        details=product,
        empty=None,
    )
    products = Label("bought products", "gekaufte Produkte")
    yield Field("products", products, FieldType.LIST, _has_bought, group, known, aliases=("product",))
    last = Label("product bought last", "zuletzt gekauftes Produkt")
    yield Field("last_product", last, FieldType.CHOICE, _last_product, group, known)
    classes = tuple((each.value, label) for each, label in CLASS_LABELS.items())
    yield Field(
        "value_class",
        Label("value class", "Wertklasse"),
        FieldType.CHOICE,
        as_of=_value_class,
        group=group,
        choices=classes,
    )


def _orders() -> ColumnElement[Any]:
    return Standing.orders.expression


def _spent() -> ColumnElement[Any]:
    return Standing.spent.expression


def _average() -> ColumnElement[Any]:
    # By a real number: whole ones PostgreSQL would divide as NUMERIC, digit by digit.
    return case((Standing.orders > 0, Standing.spent / cast(Standing.orders, Double)))


def _first() -> ColumnElement[Any]:
    return Standing.first_order_at.expression


def _last() -> ColumnElement[Any]:
    return Standing.last_order_at.expression


def _in(happening: Happening) -> Sequence[ColumnElement[bool]]:
    wanted = [Order.ordered_at >= happening.since] if happening.since else []
    wanted += [Order.ordered_at < happening.until] if happening.until else []
    if happening.product is not None:
        wanted.append(Order.product_id.in_(select(Product.id).where(Product.key == happening.product)))
    return wanted


def _purchased(happening: Happening) -> ColumnElement[bool]:
    """A refund is no purchase. The counts on `Standing` answer what they can."""
    if happening.product is not None:
        people = select(Order.subscriber_id).where(Order.amount >= 0, *_in(happening))
        # Grouping alone would have SQLite go through all orders person by person.
        often = people.group_by(Order.subscriber_id).having(func.count() >= happening.at_least)
        return Standing.subscriber_id.in_(people if happening.at_least == 1 else often)
    enough = [Standing.orders >= happening.at_least]
    if happening.since is not None:
        enough.append(known(Standing.last_order_at.expression, Standing.last_order_at >= happening.since))
    if happening == Happening(happening.at_least):
        return enough[0]
    if happening == Happening(1, happening.since):
        return enough[1]
    if happening.at_least == 1:
        return and_(*enough, _mine(happening).exists())
    return and_(*enough, _orders_in(happening) >= happening.at_least)


def _mine(happening: Happening) -> Select[int]:
    mine = (Order.subscriber_id == Standing.subscriber_id, Order.amount >= 0, *_in(happening))
    return select(Order.id).where(*mine).correlate(Standing)


def _orders_in(happening: Happening) -> ColumnElement[int]:
    return _mine(happening).with_only_columns(func.count(), maintain_column_froms=True).scalar_subquery()


def _spent_by_person(happening: Happening) -> ColumnElement[int]:
    mine = (Order.subscriber_id == Standing.subscriber_id, *_in(happening))
    total = func.coalesce(func.sum(Order.amount), 0)
    return select(total).where(*mine).correlate(Standing).scalar_subquery()


def _spent_in() -> ColumnElement[Any]:
    return func.sum(Order.amount)


def _average_in() -> ColumnElement[Any]:
    """As of all time: the amount, refunds taken off, by the number of orders."""
    orders = func.sum(case((Order.amount >= 0, 1), else_=0))
    return type_coerce(func.sum(Order.amount), BigInteger) / func.nullif(type_coerce(orders, BigInteger), 0)


Test = Callable[[ColumnElement[Any]], ColumnElement[bool]]


def _test_of(
    amount: Callable[[], ColumnElement[Any]], ever: Callable[[], ColumnElement[Any]]
) -> Callable[[Happening, Test], ColumnElement[bool]]:
    """Who passes the test with the orders of a time; the amount of all time stands on `Standing`."""

    def sql(happening: Happening, test: Test) -> ColumnElement[bool]:
        if happening == Happening():
            return known(ever(), test(ever()))
        people = select(Order.subscriber_id).where(*_in(happening)).group_by(Order.subscriber_id)
        return Standing.subscriber_id.in_(people.having(test(amount())))

    return sql


def _last_product() -> ColumnElement[Any]:
    mine = (Order.subscriber_id == Standing.subscriber_id, Order.amount >= 0)
    newest = select(Product.key).join(Order, Order.product_id == Product.id).where(*mine)
    newest = newest.order_by(Order.ordered_at.desc(), Order.id.desc()).limit(1)
    return case((Standing.orders > 0, newest.correlate(Standing).scalar_subquery()))


def _value_class(now: datetime) -> Callable[[], ColumnElement[Any]]:
    """The RFM class at a moment, by the borders of the house; unknown without an order."""
    bought_at = type_coerce(Standing.last_order_at, BigInteger)
    found = rfm_case(bought_at, int(now.timestamp()), Standing.orders.expression, Standing.spent.expression)
    return lambda: case((Standing.orders > 0, found))


def _has_bought(keys: Sequence[str]) -> ColumnElement[bool]:
    bought = select(Order.subscriber_id).join(Product, Product.id == Order.product_id)
    return Standing.subscriber_id.in_(bought.where(Product.key.in_(keys), Order.amount >= 0))


def _products(session: Session) -> Choices:
    found = session.execute(select(Product.key, Product.name).order_by(Product.name).limit(_CHOICES + 1)).all()
    return tuple((key, Label(name, name)) for key, name in found) if len(found) <= _CHOICES else ()
