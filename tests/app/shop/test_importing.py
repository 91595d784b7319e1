"""Orders of whole files against a reference that takes them one by one, in any batches, again, and back."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.db import reading, transaction
from app.events.models import Event
from app.importing.models import ImportState
from app.scoring.defaults import defaults
from app.scoring.rebuild import rebuild
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product
from app.subscribers.addresses import address_hash
from app.subscribers.models import Standing, Status, Subscriber, Suppression, SuppressionReason
from tests import make
from tests.app.importing.running import NOW, books, bring_in, rejects, take_back

HEADER = "email,order number,date,amount,quantity,product,sku\n"
HERE = ("anna@example.org", "berta@example.org", "carla@example.org")
STRANGERS = ("dora@example.org", "emil@example.org")
ANGRY = "angry@example.org"
PRODUCTS = (("", ""), ("Butter", ""), ("Bergkäse, jung", "k-7"), ("Käse " * 30, ""))


class Line(NamedTuple):
    """A line of a file, and what is wrong with it."""

    email: str
    number: str
    at: datetime
    amount: int
    quantity: int | None
    product: tuple[str, str]
    flaw: str = ""

    def text(self, dice: random.Random) -> str:
        amount = "much" if self.flaw == "amount" else f"{self.amount / 100:.2f}"
        name, sku = self.product
        email = "nobody" if self.flaw == "email" else dice.choice((self.email, self.email.upper()))
        cells = (email, self.number, f"{self.at:%Y-%m-%d %H:%M}Z", amount, self.quantity or "", f'"{name}"', sku)
        return ",".join(map(str, cells)) + (",,one too many" if self.flaw == "width" else "") + "\n"

    @property
    def item(self) -> str | None:
        name, sku = self.product
        return (sku or name.strip())[:100] or None

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.number, self.product) if self.number else self[:-1]


class Reference:
    """What the shop knows, one order after the other."""

    def __init__(self) -> None:
        self.people, self.orders = set(HERE), dict[Any, Line]()

    def take(self, lines: list[Line], *, creates: bool) -> tuple[tuple[int, int, int, int], list[int]]:
        """The books, and which lines are refused."""
        before, seen, new, refused = set(self.orders), Counter[Any](), 0, []
        for number, line in enumerate(lines, 2):
            if line.flaw:
                refused.append(number)
                continue
            key = (line.identity, seen[line.identity])
            seen[line.identity] += 1
            if line.email not in self.people and (not creates or line.email == ANGRY):
                refused.append(number)
                continue
            self.people.add(line.email)
            new += key not in before
            self.orders.setdefault(key, line)
        return (new, 0, len(lines) - new - len(refused), len(refused)), refused

    def found(self) -> tuple[Any, ...]:
        lines = sorted(
            (each.email, each.at, each.amount, each.quantity or 1, each.item or "") for each in self.orders.values()
        )
        events = sorted((email, at, amount) for email, at, amount, *_rest in lines)
        return lines, events, [(email, *self._counted(email)) for email in sorted(self.people)]

    def _counted(self, email: str) -> tuple[Any, ...]:
        own = [each for each in self.orders.values() if each.email == email]
        moments = [each.at for each in own if each.amount >= 0]
        return len(moments), sum(each.amount for each in own), min(moments, default=None), max(moments, default=None)


def _lines(dice: random.Random, count: int) -> list[Line]:
    lines: list[Line] = []
    for _ in range(count):
        if lines and dice.random() < 0.2:
            lines.append(dice.choice(lines))
            continue
        lines.append(
            Line(
                email=dice.choice((*HERE, *HERE, *STRANGERS, ANGRY)),
                number=dice.choice(("", f"A{dice.randrange(30)}")),
                at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(400_000)),
                amount=dice.choice((0, -500, dice.randrange(100_000))),
                quantity=dice.choice((None, 1, 7)),
                product=dice.choice(PRODUCTS),
                flaw=dice.choice(("",) * 20 + ("amount", "email", "width")),
            )
        )
    return lines


def _found() -> tuple[Any, ...]:
    whose = select(Subscriber.email).where(Subscriber.id == Order.subscriber_id).scalar_subquery()
    what = select(Product.key).where(Product.id == Order.product_id).scalar_subquery()
    orders = select(whose, Order.ordered_at, Order.amount, Order.quantity, what)
    events = select(Subscriber.email, Event.occurred_at, Event.value).join(
        Subscriber, Subscriber.id == Event.subscriber_id
    )
    counts = (Standing.orders, Standing.spent, Standing.first_order_at, Standing.last_order_at)
    people = select(Subscriber.email, *counts).join(Standing).order_by(Subscriber.address_key)
    with reading() as session:
        lines = sorted((email.lower(), *said, item or "") for email, *said, item in session.execute(orders))
        bought = session.execute(events.where(Event.kind == PURCHASED.code)).all()
        happened = sorted((email.lower(), at, value) for email, at, value in bought)
        return lines, happened, [(email.lower(), *counted) for email, *counted in session.execute(people)]


def _scores() -> list[tuple[str, int]]:
    with reading() as session:
        statement = select(Subscriber.email, Standing.score).join(Standing).order_by(Subscriber.id)
        return [(email, score) for email, score in session.execute(statement)]


def _begin() -> None:
    with transaction() as session:
        for email in HERE:
            make.subscriber(session, email)
        session.add(Suppression(address_hash=address_hash(ANGRY), reason=SuppressionReason.COMPLAINED, created_at=NOW))
        defaults(session, NOW)


@pytest.mark.parametrize("seed", range(4))
def test_any_files_in_any_batches_are_what_one_order_after_the_other_gives(app: APIFlask, seed: int) -> None:
    _begin()
    dice, reference = random.Random(seed), Reference()
    lines = _lines(dice, 60)
    states, undone = [], []
    for unknown, part in (("reject", lines[:30]), ("create", lines[10:]), ("create", lines)):
        states.append(_found())
        file = HEADER + "".join(line.text(dice) for line in part)
        done = bring_in(file, "orders", size=dice.choice((1, 3, 17, 1000)), unknown=unknown)
        expected, refused = reference.take(part, creates=unknown == "create")
        assert (books(done), [line for line, _reason in rejects(done)]) == (expected, refused)
        assert _found() == reference.found()
        undone.append(done.id)
    kept = _scores()
    with transaction() as session:
        rebuild(session, NOW)
    assert _scores() == kept
    for import_id, state in zip(reversed(undone), reversed(states), strict=True):
        assert take_back(import_id, size=dice.choice((2, 1000))).state is ImportState.UNDONE
        assert _found() == state


def test_a_customer_who_may_not_be_made_is_refused_with_the_reason_of_each_of_her_lines(app: APIFlask) -> None:
    _begin()
    rows = f"{ANGRY},1,2026-02-01,5,,,\ndora@example.org,2,2026-02-01,5,,,\n{ANGRY},3,2026-02-02,5,,,\n"
    done = bring_in(HEADER + rows, "orders", unknown="create")
    assert books(done) == (1, 0, 0, 2)
    reason = "Somebody complained from this address: it is on the suppression list."
    assert rejects(done) == [(2, reason), (4, reason)]
    with reading() as session:
        dora = session.scalars(select(Subscriber).where(Subscriber.email == "dora@example.org")).one()
        assert (dora.standing.status, dora.standing.orders) == (Status.PENDING, 1)


def test_a_product_called_like_the_second_of_two_equal_orders_costs_nothing_but_itself(app: APIFlask) -> None:
    _begin()
    rows = "anna@example.org,A1,2026-02-01,5,,{},\n"
    done = bring_in(HEADER + rows.format("x") * 2 + rows.format("x#1"), "orders")
    assert (done.state, books(done)) == (ImportState.DONE, (2, 0, 1, 0))
    with reading() as session:
        assert session.scalars(select(Product.key).join(Order)).all() == ["x", "x"]
