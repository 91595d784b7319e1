"""What rules may say about what is expected of somebody."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.organisation import organisation
from app.prediction.models import Prediction
from app.subscribers.models import Standing
from segments.label import Label
from segments.vocabulary import Field, FieldType, Group

_PERCENT = 100


def fields(session: Session) -> Iterator[Field]:
    """The words of this feature; unknown of everybody who never bought."""
    found = organisation(session)
    currency = found.currency if found else "EUR"
    alive = Label(
        "probability of still being a customer, in percent", "Wahrscheinlichkeit, noch Kunde zu sein, in Prozent"
    )
    soon = Label(
        "expected purchases in the next 90 days, in hundredths",
        "erwartete Käufe in den nächsten 90 Tagen, in Hundertsteln",
    )
    year = Label(
        "expected purchases in the next 365 days, in hundredths",
        "erwartete Käufe in den nächsten 365 Tagen, in Hundertsteln",
    )
    value = Label("predicted value of the next 365 days", "vorhergesagter Wert der nächsten 365 Tage")
    for name, label, column in (
        ("alive", alive, Prediction.alive),
        ("expected_purchases_90", soon, Prediction.purchases_90),
        ("expected_purchases_365", year, Prediction.purchases_365),
    ):
        yield Field(name, label, FieldType.NUMBER, _hundredths(column), Group.PURCHASES)
    yield Field("predicted_value", value, FieldType.MONEY, _of(Prediction.value), Group.PURCHASES, currency=currency)


def _of(column: Any) -> Callable[[], ColumnElement[Any]]:
    def sql() -> ColumnElement[Any]:
        mine = select(column).where(Prediction.subscriber_id == Standing.subscriber_id)
        return mine.correlate(Standing).scalar_subquery()

    return sql


def _hundredths(column: InstrumentedAttribute[float]) -> Callable[[], ColumnElement[Any]]:
    return _of(cast(func.round(column * _PERCENT), Integer))
