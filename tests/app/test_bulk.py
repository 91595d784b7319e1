"""Columns come back as they were given, in whichever way each database takes them.

Foreign keys that a bulk need not ask are asked of everybody else, and of it again when it is done.
"""

from typing import Any

import pytest
from apiflask import APIFlask
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.bulk import Every, Stored, insert_columns, parents_seen
from app.db import database, reading, transaction
from app.shop.models import Product
from app.subscribers.models import SubscriberTag

ORPHAN = {"tag_id": Every(4711), "subscriber_id": [4712]}


TEXTS = ["plain", "a\tb", "c\nd\r", "q\"uo'te", "back\\slash", "ü😀", "\\N", "null", ""]
# More than what is sent at once.
KEYS = [f"{number}:{TEXTS[number % len(TEXTS)]}" for number in range(2_500)]


@pytest.mark.parametrize(
    "others",
    [
        {"name": Every("x'y"), "price": range(7, 2_507), "url": Every(None)},
        {"name": Every(""), "price": Every(-3), "url": Every("https://x.example/\t")},
        {"name": KEYS[::-1], "price": Stored([None, 5] * 1_250), "url": [None, *KEYS[1:]]},
    ],
)
def test_columns_come_back_as_they_were(app: APIFlask, others: dict[str, Any]) -> None:
    with transaction() as session:
        insert_columns(session, Product, {"key": KEYS, **others}, len(KEYS))
    wanted = [_all(others[name]) for name in ("name", "price", "url")]
    with reading() as session:
        found = session.execute(
            select(Product.key, Product.name, Product.price, Product.url).order_by(Product.id)
        ).all()
    assert found == list(zip(KEYS, *wanted, strict=True))


def test_a_table_of_what_counts_on_alone_can_be_filled(app: APIFlask) -> None:
    with database().bulk() as session:
        with parents_seen(session):
            insert_columns(session, SubscriberTag, {"tag_id": Every(1), "subscriber_id": range(5, 8)}, 3)
        assert session.execute(select(SubscriberTag.__table__)).all() == [(1, 5), (1, 6), (1, 7)]
        session.rollback()


def _all(column: Any) -> list[Any]:
    if isinstance(column, Every):
        return [column.value] * len(KEYS)
    return list(column.values if isinstance(column, Stored) else column)


def _orphan(session: Session) -> None:
    insert_columns(session, SubscriberTag, ORPHAN, 1)


def test_after_a_bulk_no_orphan_is_taken(app: APIFlask) -> None:
    with database().bulk() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(_refused()), transaction() as session:
        _orphan(session)


def test_what_has_seen_its_parents_is_not_asked_for_them(app: APIFlask, database_name: str) -> None:
    with database().bulk() as session:
        with parents_seen(session):
            _orphan(session)
        session.execute(text("DELETE FROM subscriber_tag"))
        if database_name == "postgresql":
            with pytest.raises(_refused()):
                _orphan(session)
            session.rollback()


def test_who_may_not_skip_them_is_asked(app: APIFlask, database_name: str) -> None:
    with database().bulk() if database_name == "postgresql" else transaction() as session:
        if database_name == "postgresql":
            session.execute(text("CREATE ROLE clerk"))
            session.execute(text("GRANT USAGE ON SCHEMA public TO clerk"))
            session.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk"))
            session.execute(text("SET LOCAL ROLE clerk"))
        with pytest.raises(_refused()), parents_seen(session):
            _orphan(session)
        session.rollback()


def _refused() -> tuple[type[Exception], ...]:
    """COPY is the driver's own: so are its errors."""
    return (IntegrityError, ForeignKeyViolation)
