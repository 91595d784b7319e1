"""What a file may say about an order, and what follows from that alone: its key, its product, its second.

No database is asked, so that a second process can do it. Not in charge of: which orders are new (`plan.py`).
"""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.importing.importer import Column, Rows, Writing
from app.importing.values import parse_amount, parse_moment, parse_whole
from app.shop.orders import order_key
from app.subscribers.importing.columns import address
from app.subscribers.importing.parts import KEY, with_keys
from app.subscribers.values import parse_text

_LONGEST_PRODUCT = 100
_COLUMNS = (
    Column("email", _l("Customer (email address)"), address, (
        "email", "e-mail", "mail", "customer", "customer email", "kunde", "kunden-email", "mailadresse",
        "e-mail-adresse", "käufer", "buyer", "billing email",
    ), required=True),
    Column("ordered_at", _l("Date"), parse_moment, (
        "date", "order date", "ordered at", "created at", "paid at", "datum", "bestelldatum", "kaufdatum",
        "bestellt am",
    ), Writing.DATES, required=True),
    Column("amount", _l("Amount"), parse_amount, (
        "amount", "total", "price", "order total", "sum", "revenue", "betrag", "summe", "gesamt", "gesamtbetrag",
        "umsatz", "preis", "bestellwert",
    ), Writing.NUMBERS, required=True),
    Column("quantity", _l("Quantity"), parse_whole, (
        "quantity", "qty", "items", "menge", "anzahl", "stück", "stückzahl",
    ), Writing.NUMBERS),
    Column("product", _l("Product"), lambda text, _: parse_text(text, 300), (
        "product", "product name", "item", "article", "lineitem name", "produkt", "artikel", "produktname",
        "artikelname", "bezeichnung",
    )),
    Column("product_key", _l("Product number"), lambda text, _: parse_text(text, _LONGEST_PRODUCT), (
        "sku", "product number", "product id", "artikelnummer", "art.-nr.", "produktnummer",
    )),
    Column("number", _l("Order number"), lambda text, _: parse_text(text, 100), (
        "order number", "order id", "order", "order no", "bestellnummer", "bestellung", "auftragsnummer",
        "rechnungsnummer", "invoice",
    ), is_unique=True),
)  # fmt: skip


def columns(session: Session) -> Sequence[Column]:  # noqa: ARG001 - the verb's shape
    """The same for every organisation."""
    return _COLUMNS


def prepare(rows: Rows) -> Rows:
    """Addresses with their keys; `key`, which tells an order from others; seconds since 1970; products by their key."""
    rows = with_keys(rows)
    moments = [int(at.timestamp() // 1) for at in rows.column("ordered_at")]
    named = zip(rows.column("product_key"), rows.column("product"), strict=True)
    products = [key or name for key, name in named]
    keys = _keys(rows, moments, products)
    short = [each and each[:_LONGEST_PRODUCT] for each in products]
    return rows.with_columns({**rows.columns, "key": keys, "ordered_at": moments, "product_key": short})


def keys(rows: Rows) -> Sequence[str]:
    """What rows are about."""
    return rows.column("key")


def _keys(rows: Rows, moments: Sequence[int], products: Sequence[str | None]) -> list[str]:
    """By number and product where the shop numbers its orders, else by everything that was said."""
    said = zip(rows.columns[KEY], moments, rows.column("amount"), rows.column("quantity"), products, strict=True)
    return [
        order_key((number, of[-1]) if number else of) for number, of in zip(rows.column("number"), said, strict=True)
    ]
