"""What rules may say about what is expected of somebody."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

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
    alive = Label("chance to be still a customer, in percent", "Chance, noch Kunde zu sein, in Prozent")
    soon = Label("expected purchases in 90 days", "erwartete Käufe in 90 Tagen")
    year = Label("expected purchases in 365 days", "erwartete Käufe in 365 Tagen")
    value = Label("predicted value of 365 days", "vorhergesagter Wert von 365 Tagen")
    for name, label, column in (
        ("alive", alive, Prediction.alive * _PERCENT),
        ("expected_purchases_90", soon, Prediction.purchases_90),
        ("expected_purchases_365", year, Prediction.purchases_365),
    ):
        yield Field(name, label, FieldType.NUMBER, _of(column), Group.PURCHASES)
    yield Field("predicted_value", value, FieldType.MONEY, _of(Prediction.value), Group.PURCHASES, currency=currency)


def _of(column: Any) -> Callable[[], ColumnElement[Any]]:
    def sql() -> ColumnElement[Any]:
        mine = select(column).where(Prediction.subscriber_id == Standing.subscriber_id)
        return mine.correlate(Standing).scalar_subquery()

    return sql
