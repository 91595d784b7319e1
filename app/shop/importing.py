"""Orders from files: whose they are, which are new, and taking them back.

The same file brought twice adds nothing; two equal lines in one file are two orders. In charge of: finding customers by
address, or making them if so wished: as pending, for having bought is no consent to mail.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from app.importing.batch import text_is_among
from app.importing.importer import Column, Importer, Plan, Reject, Row, Rows, Undone, Writing
from app.importing.models import Import
from app.importing.values import parse_amount, parse_moment, parse_whole
from app.shop.orders import NewOrder, ProductWords, known_keys, order_key, save_products, take_back, take_orders
from app.subscribers.importing.apply import apply as apply_people
from app.subscribers.importing.columns import address
from app.subscribers.importing.options import Options as PeopleOptions
from app.subscribers.importing.plan import plan as plan_people
from app.subscribers.importing.undo import STAYS
from app.subscribers.importing.undo import undo as undo_people
from app.subscribers.models import Status, Subscriber
from app.subscribers.values import parse_text


class Unknown(StrEnum):
    """What becomes of an order whose customer is not here."""

    REJECT = "reject"
    CREATE = "create"


class Options(BaseModel):
    """Chosen once per file."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"unknown": "create"}})

    unknown: Unknown = Unknown.REJECT


class OptionsForm(FlaskForm):
    """The same, as a page asks for it."""

    unknown = RadioField(
        _l("Customers who are not here yet"),
        choices=[
            SelectChoice("reject", _l("Leave their orders out and list them")),
            SelectChoice("create", _l("Keep them as pending people: counted, but not mailed until they agree")),
        ],
        description=_l("Having bought something is not yet agreeing to a newsletter."),
    )


def make_form(session: Session, options: Mapping[str, Any]) -> OptionsForm:  # noqa: ARG001 - the verb's shape
    """The form, filled with what was chosen before."""
    return OptionsForm(data=dict(options))


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
    Column("product_key", _l("Product number"), lambda text, _: parse_text(text, 100), (
        "sku", "product number", "product id", "artikelnummer", "art.-nr.", "produktnummer",
    )),
    Column("number", _l("Order number"), lambda text, _: parse_text(text, 100), (
        "order number", "order id", "order", "order no", "bestellnummer", "bestellung", "auftragsnummer",
        "rechnungsnummer", "invoice",
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    orders: Sequence[Row]
    people: Plan


def _columns(session: Session) -> Sequence[Column]:  # noqa: ARG001 - the verb's shape
    return _COLUMNS


def _keys(rows: Rows) -> Sequence[str]:
    return [_key(rows[place].values) for place in range(len(rows))]


def _key(values: dict[str, Any]) -> str:
    """By number and product where the shop numbers its orders, else by everything that was said."""
    product = values.get("product_key") or values.get("product")
    if number := values.get("number"):
        return order_key((number, product))
    what = values["email"].key, int(values["ordered_at"].timestamp()), values["amount"], values.get("quantity"), product
    return order_key(what)


def plan(session: Session, import_: Import, rows: Rows, now: datetime) -> Plan:
    """New and known orders, and those without a customer."""
    options = Options.model_validate(import_.options)
    orders = [rows[place] for place in range(len(rows))]
    here = _customers(session, (row.values["email"].key for row in orders))
    strangers = list({row.values["email"].key: row for row in orders if row.values["email"].key not in here}.values())
    people = _planned_people(session, import_, strangers, now) if options.unknown is Unknown.CREATE else Plan()
    new_people = {*people.work.newcomers.keys} if people.work else set()
    refused = {reject.line: reject.reason for reject in people.rejects}
    reasons = {row.values["email"].key: refused[row.line] for row in strangers if row.line in refused}
    good = [row for row in orders if _has_customer(row, here, new_people)]
    known = known_keys(session, (order_key((_key(row.values),), row.repeats) for row in good))
    new = [row for row in good if order_key((_key(row.values),), row.repeats) not in known]
    rejects = [_reject(row, reasons) for row in orders if not _has_customer(row, here, new_people)]
    return Plan(len(new), 0, len(good) - len(new), rejects, _Work(new, people))


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:
    """Write customers, products and orders, in this order."""
    work: _Work = plan.work
    if work.people.work:
        apply_people(session, _as_people(import_), work.people, now)
    ids = _customers(session, (row.values["email"].key for row in work.orders))
    products = save_products(session, filter(None, (_product(row.values) for row in work.orders)))
    take_orders(session, [_order(row, ids, products) for row in work.orders], import_.id)


def undo(session: Session, import_: Import, limit: int, now: datetime) -> Undone:
    """First the orders, then the people who came with them."""
    touched = take_back(session, import_.id, limit)
    return Undone(touched) if touched else undo_people(session, import_, limit, now)


def _has_customer(row: Row, *keys: Container[str]) -> bool:
    return any(row.values["email"].key in each for each in keys)


def _customers(session: Session, keys: Iterable[str]) -> dict[str, int]:
    statement = select(Subscriber.address_key, Subscriber.id)
    return dict(session.execute(statement.where(text_is_among(session, Subscriber.address_key, set(keys)))).all())


def _planned_people(session: Session, import_: Import, rows: Sequence[Row], now: datetime) -> Plan:
    said = {"email": [row.values["email"] for row in rows], "status": [Status.PENDING] * len(rows)}
    strangers = Rows([row.line for row in rows], [row.raw for row in rows], said)
    return plan_people(session, _as_people(import_), strangers, now)


def _as_people(import_: Import) -> Import:
    """The same import, as the people's importer sees it: no basis, no topics."""
    options = PeopleOptions().model_dump(mode="json")
    return Import(id=import_.id, file_name=import_.file_name, options=options)


def _reject(row: Row, reasons: Mapping[str, str]) -> Reject:
    nobody = _("There is no customer with this address.")
    return Reject(row.line, reasons.get(row.values["email"].key, nobody), row.raw)


def _product(values: dict[str, Any]) -> ProductWords | None:
    key = values.get("product_key") or values.get("product")
    return ProductWords(key[:100], values.get("product")) if key else None


def _order(row: Row, ids: Mapping[str, int], products: Mapping[str, int]) -> NewOrder:
    said = row.values
    product = _product(said)
    return NewOrder(
        key=order_key((_key(said),), row.repeats),
        subscriber_id=ids[said["email"].key],
        ordered_at=said["ordered_at"],
        amount=said["amount"],
        quantity=said.get("quantity", 1),
        product_id=products[product.key] if product else None,
    )


importer = Importer(
    kind="orders",
    label=_l("Orders"),
    description=_l("Who bought what, when and for how much, one order or line of an order per row."),
    icon="shopping-bag",
    columns=_columns,
    options=Options,
    form=make_form,
    keys=_keys,
    plan=plan,
    apply=apply,
    undo=undo,
    stays=STAYS,
)
