"""What score rules may ask of purchases: how much, and which product."""

from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, and_, func, literal, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import ScoreCondition
from app.shop.kinds import PURCHASED
from app.shop.models import Product
from segments.label import Label
from segments.vocabulary import Choices

_CHOICES = 500
_MOST = Decimal(10_000_000)
_PURCHASES = frozenset({PURCHASED.name})


def _amount(text: str) -> str:
    """Whole currency units with up to two decimals, as they are stored: "50", "19.9"."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        amount = Decimal(0)
    if not 0 < amount <= _MOST or amount != round(amount, 2):
        raise ValueError(_("An amount is a number above zero, such as 49.90."))
    return f"{amount.normalize():f}"


def _is_worth(value: str) -> ColumnElement[bool]:
    """A refund is asked by its size, so that it takes back what its purchase earned."""
    least = literal(int(Decimal(value) * 100), BigInteger)
    return func.abs(func.coalesce(Event.value, 0)) >= least


def _product(text: str) -> str:
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(_("There is no such product."))
    return text


def _is_product(value: str) -> ColumnElement[bool]:
    return and_(Event.data.is_not(None), func.coalesce(Event.data["product"].as_integer(), 0) == int(value))


def _products(session: Session) -> Choices:
    wanted = select(Product.id, Product.name).order_by(Product.name, Product.id).limit(_CHOICES + 1)
    found = session.execute(wanted).all()
    # More than this is no help to choose from; then its number may be typed.
    return tuple((str(key), Label(name, name)) for key, name in found) if len(found) <= _CHOICES else ()


CONDITIONS = (
    ScoreCondition("amount_at_least", Label("amount at least", "Betrag mindestens"), _PURCHASES, _is_worth, _amount),
    ScoreCondition("product", Label("product", "Produkt"), _PURCHASES, _is_product, _product, _products),
)
