"""Orders from files and machines: each once, with its money, its counts and its way back."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.db import reading, transaction
from app.events.models import Event
from app.feature import house
from app.importing.models import ImportState
from app.scoring.defaults import defaults
from app.shop.kinds import PURCHASED
from app.shop.merge_tags import merge_tags
from app.shop.models import Order, Product
from app.shop.orders import NewOrder, ProductWords, save_products, take_orders
from app.shop.revenue import revenue_by_month
from app.subscribers.hold import hold_by_address
from app.subscribers.models import Standing, Status, Subscriber
from segments.rule import parse
from segments.where import where
from tests import make
from tests.app.importing.running import NOW, books, bring_in, dry_run, rejects, take_back

FILE = (
    "Kunde;Bestelldatum;Betrag;Menge;Artikel\n"
    "anna@example.org;01.02.2026;1.234,56;2;Bergkäse\n"
    "ANNA@example.org;13.03.2026 10:30;€ 12;1;Butter\n"
    "berta@example.org;2026-03-01;-5,00;;Butter\n"
)


def _standing(email: str) -> tuple[Any, ...]:
    with reading() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.address_key == email)).one()
        each = person.standing
        return each.orders, each.spent, each.first_order_at, each.last_order_at


def _people() -> None:
    with transaction() as session:
        for name in ("anna", "berta", "carla"):
            make.subscriber(session, f"{name}@example.org")


def _meant(rule: dict[str, Any]) -> list[str]:
    with reading() as session:
        condition = where(parse(rule), house().vocabulary(session), NOW, ZoneInfo("Europe/Berlin"))
        statement = select(Subscriber.email).join(Standing, Standing.subscriber_id == Subscriber.id)
        return [each.split("@")[0] for each in session.scalars(statement.where(condition).order_by(Subscriber.id))]


def _is(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def test_a_file_of_orders_becomes_events_with_money_and_counts(app: APIFlask) -> None:
    _people()
    done = bring_in(FILE, "orders")
    assert books(done) == (3, 0, 0, 0)
    first, last = datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 3, 13, 9, 30, tzinfo=UTC)
    assert _standing("anna@example.org") == (2, 124656, first, last)
    assert _standing("berta@example.org") == (0, -500, None, None)
    with reading() as session:
        events = session.scalars(select(Event).order_by(Event.occurred_at)).all()
        assert [(each.kind, each.value) for each in events] == [(30, 123456), (30, -500), (30, 1200)]
        assert session.scalars(select(Product.name).order_by(Product.name)).all() == ["Bergkäse", "Butter"]


def test_the_same_file_twice_adds_nothing_but_equal_lines_in_one_are_two(app: APIFlask) -> None:
    _people()
    file = "email,date,amount\n" + "anna@example.org,2026-02-01,5\n" * 3
    assert books(bring_in(file, "orders", size=2)) == (3, 0, 0, 0)
    assert books(bring_in(file, "orders", size=1)) == (0, 0, 3, 0)
    assert _standing("anna@example.org")[:2] == (3, 1500)


def test_orders_with_numbers_are_known_by_them(app: APIFlask) -> None:
    _people()
    head = "email,date,amount,order number,product\n"
    assert books(bring_in(head + "anna@example.org,2026-02-01,5,A1,x\n", "orders")) == (1, 0, 0, 0)
    again = "anna@example.org,2026-02-02,6,A1,x\nanna@example.org,2026-02-02,6,A1,y\n"
    assert books(bring_in(head + again, "orders")) == (1, 0, 1, 0)


def test_unknown_customers_are_rejected_or_kept_without_consent(app: APIFlask) -> None:
    file = "email,date,amount\nnew@example.org,2026-02-01,5\nNEW@example.org,2026-02-02,5\nbad,2026-02-01,5\n"
    done = bring_in(file, "orders")
    assert (books(done), rejects(done)[0][1]) == ((0, 0, 0, 3), "There is no customer with this address.")
    assert books(dry_run(file, "orders", unknown="create")) == (2, 0, 0, 1)
    done = bring_in(file, "orders", unknown="create")
    assert books(done) == (2, 0, 0, 1)
    with reading() as session:
        person = session.scalars(select(Subscriber)).one()
        assert (person.standing.status, person.standing.orders) == (Status.PENDING, 2)
    assert take_back(done.id, size=1).state is ImportState.UNDONE
    with reading() as session:
        assert not session.scalar(select(func.count()).select_from(Subscriber))


def test_an_amount_with_two_meanings_is_not_guessed(app: APIFlask) -> None:
    _people()
    done = bring_in("email;date;amount\nanna@example.org;2026-01-01;1.234\n", "orders")
    assert books(done) == (0, 0, 0, 1)
    decided = "email;date;amount\nanna@example.org;2026-01-01;1.234\nberta@example.org;2026-01-01;0,50\n"
    assert books(bring_in(decided, "orders")) == (2, 0, 0, 0)
    assert _standing("anna@example.org")[1] == 123400


def test_undoing_removes_orders_and_events_and_counts_anew(app: APIFlask) -> None:
    _people()
    with transaction() as session:
        anna = session.scalars(select(Subscriber.id).where(Subscriber.address_key == "anna@example.org")).one()
        take_orders(session, [NewOrder("own", anna, NOW - timedelta(days=1), 700)])
    before = _standing("anna@example.org")
    done = bring_in(FILE, "orders")
    assert _standing("anna@example.org") != before
    assert take_back(done.id, size=2).state is ImportState.UNDONE
    assert _standing("anna@example.org") == before == (1, 700, NOW - timedelta(days=1), NOW - timedelta(days=1))
    with reading() as session:
        assert session.scalars(select(Order.key)).all() == ["own"]
        assert session.scalars(select(Event.key).where(Event.kind == PURCHASED.code)).all() == ["order:own"]


def test_undoing_orders_takes_their_points_back(app: APIFlask) -> None:
    _people()
    with transaction() as session:
        defaults(session, NOW)
        anna = session.scalars(select(Subscriber.id).where(Subscriber.address_key == "anna@example.org")).one()
        take_orders(session, [NewOrder("own", anna, NOW - timedelta(days=1), 700)])
    score = select(Standing.score).where(Standing.subscriber_id == anna)
    with reading() as session:
        before = session.scalar(score)
    done = bring_in(FILE, "orders")
    with reading() as session:
        assert session.scalar(score) > before > 0
    take_back(done.id)
    with reading() as session:
        assert session.scalar(score) == before


def test_purchases_are_words_of_rules(app: APIFlask) -> None:
    _people()
    bring_in(FILE, "orders")
    assert _meant(_is("orders", "at_least", 2)) == ["anna"]
    assert _meant(_is("spent", "more_than", "1000")) == ["anna"]
    assert _meant(_is("average_order", "more_than", "600")) == ["anna"]
    assert _meant(_is("products", "has_any", ["Bergkäse"])) == ["anna"]
    assert _meant(_is("purchased", "happened", {"at_least": 2, "days": None, "campaign": None})) == ["anna"]
    assert _meant(_is("purchased", "not_happened", {"at_least": 1, "days": 30, "campaign": None})) == [
        "anna",
        "berta",
        "carla",
    ]
    assert _meant(_is("last_order_at", "is_empty", None)) == ["berta", "carla"]


def test_mails_can_show_what_somebody_bought_last(app: APIFlask) -> None:
    _people()
    with transaction() as session:
        ids = session.scalars(select(Subscriber.id).order_by(Subscriber.id)).all()
        words = [
            ProductWords(f"p{each}", f"Product {each}", f"https://x.example/{each}", None, 990) for each in range(6)
        ]
        products = list(save_products(session, words).values())
        days = [NOW - timedelta(days=each) for each in (9, 8, 7, 6, 5, 1)]
        lines = zip(products, days, strict=True)
        take_orders(session, [NewOrder(f"o{product}", ids[0], day, 990, 1, product) for product, day in lines])
        tags = merge_tags(session, ids, {"orders", "products"})
    names = [each["name"] for each in tags[ids[0]]["products"]]
    assert names == ["Product 5", "Product 4", "Product 3", "Product 2"]
    assert tags[ids[0]]["products"][0] == {
        "name": "Product 5",
        "url": "https://x.example/5",
        "image": None,
        "price": 9.9,
    }
    assert tags[ids[0]]["orders"] == {"count": 6, "sum": 59.4, "last_at": NOW - timedelta(days=1)}
    assert tags[ids[1]] == {"orders": {"count": 0, "sum": 0.0, "last_at": None}, "products": []}


def test_months_are_those_of_the_organisation(app: APIFlask) -> None:
    _people()
    rows = "anna@example.org,2026-01-31 23:59,1\nanna@example.org,2026-02-01 00:00,2\nanna@example.org,2026-04-01,3\n"
    bring_in("email,date,amount\n" + rows, "orders")
    with reading() as session:
        months = revenue_by_month(session, ZoneInfo("Europe/Berlin"), 24)
        assert [(each.begins.month, each.orders, each.amount) for each in months] == [
            (1, 1, 100),
            (2, 1, 200),
            (3, 0, 0),
            (4, 1, 300),
        ]


def test_the_shop_page_leads_to_the_import_and_then_shows_what_came(app: APIFlask, marketer: FlaskClient) -> None:
    empty = marketer.get("/shop/").text
    assert "/imports/new?kind=orders" in empty
    _people()
    bring_in(FILE, "orders")
    page = marketer.get("/shop/").text
    assert "Bergkäse" in page
    assert "€1,234.56" in page


def test_the_products_that_brought_most_come_first(app: APIFlask, api: FlaskClient, marketer: FlaskClient) -> None:
    _people()
    api.put("/api/v1/products", json={"products": [{"key": "k0", "name": "Nobody's"}]})
    orders = [
        {"number": str(at), "email": "anna@example.org", "ordered_at": "2026-02-01T10:00:00Z", "amount": amount}
        | {"product": {"key": name, "name": name}, "quantity": 2}
        for at, (name, amount) in enumerate(
            [("Quark", "5.00"), ("Gouda", "9.00"), ("Quark", "7.00"), ("Brie", "11.00")]
        )
    ]
    assert api.post("/api/v1/orders", json={"orders": orders}).json["created"] == 4
    page = marketer.get("/shop/").text
    shown = page[page.rindex("<table") :]
    places = [shown.index(each) for each in ("Quark", "Brie", "Gouda", "Nobody")]
    assert places == sorted(places)
    assert "€12.00" in shown[places[0] : places[1]]


def test_machines_bring_orders_as_often_as_they_like(app: APIFlask, api: FlaskClient) -> None:
    _people()
    line = {"number": "A1", "email": "Anna@example.org", "ordered_at": "2026-02-01T10:00:00+01:00", "amount": "19.90"}
    line["product"] = {"key": "k1", "name": "Käse", "url": "https://x.example/k1", "price": "19.90"}  # type: ignore[assignment]
    lines = [line, {**line, "email": "nobody@example.org", "number": "A2"}, {**line, "email": "bad", "number": "A3"}]
    answer = api.post("/api/v1/orders", json={"orders": lines})
    assert answer.status_code == 200
    assert (answer.json["created"], answer.json["known"]) == (1, 0)
    assert [each["index"] for each in answer.json["rejected"]] == [1, 2]
    assert api.post("/api/v1/orders", json={"orders": [line]}).json["known"] == 1
    assert _standing("anna@example.org")[:2] == (1, 1990)
    [order] = api.get("/api/v1/orders").json["items"]
    assert (order["amount"], order["email"], order["product"]) == (19.9, "anna@example.org", "k1")


def test_two_who_bring_the_same_order_at_once_bring_it_once(app: APIFlask) -> None:
    _people()
    taken = threading.Event()

    def bring(order: NewOrder, *, waits: bool) -> int:
        with app.app_context(), transaction() as session:
            people = hold_by_address(session, ["anna@example.org"])
            created = take_orders(session, [order._replace(subscriber_id=people["anna@example.org"])])
            taken.set()
            # Time enough for the other one to come, were it not waiting.
            time.sleep(0.3 if waits else 0)
            return created

    with ThreadPoolExecutor() as pool:
        first = pool.submit(bring, NewOrder("A1", 0, NOW, 700), waits=True)
        taken.wait(10)
        second = pool.submit(bring, NewOrder("A1", 0, NOW, 700), waits=False)
        assert (first.result(), second.result()) == (1, 0)
    assert _standing("anna@example.org")[:2] == (1, 700)


def test_products_are_changed_by_key_and_what_is_left_out_stays(app: APIFlask, api: FlaskClient) -> None:
    api.put("/api/v1/products", json={"products": [{"key": "k1", "name": "Käse", "price": str(Decimal("9.90"))}]})
    assert api.put("/api/v1/products", json={"products": [{"key": "k1", "url": "https://x.example/"}]}).json == {
        "saved": 1
    }
    [product] = api.get("/api/v1/products").json["items"]
    assert (product["name"], product["url"], product["price"]) == ("Käse", "https://x.example/", 9.9)
    evil = {"products": [{"key": "k2", "url": "javascript:alert(1)"}]}
    assert api.put("/api/v1/products", json=evil).status_code == 422
