"""Holding people: their Standing rows locked until the transaction ends, in one order for all who do.

Whoever adds to these rows takes them first, so that two transactions never wait for one another, and what one has read
of them stays true. On SQLite, where there is one writer at a time, it is only the reading.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Text, bindparam, func, select, type_coerce
from sqlalchemy.orm import Session

from app.changes import given_numbers, joined
from app.db import rows
from app.importing.batch import with_texts
from app.subscribers.models import Standing, Subscriber

_HELD = "letterbond.held"


def hold(session: Session, people: Iterable[int], *columns: Any) -> list[Row[int, *tuple[Any, ...]]]:
    """Lock these people, and read the columns, as the numbers they are stored as, of those who are there.

    Nobody is asked twice in a transaction where there is nothing to be read.
    """
    ids, held = set(people), _held(session)
    if not columns:
        ids -= held
        # To begin is enough there.
        if not ids or session.connection().dialect.name == "sqlite":
            return []
    query = _those(session.connection().dialect.name, columns)
    found = session.connection().execute(query, {"ids": joined(sorted(ids))}).all()
    held |= ids
    return list(found)


# The same question with every batch of events: its statement is made once.
@lru_cache(maxsize=16)
def _those(dialect: str, columns: Sequence[Any]) -> "Select[int, *tuple[Any, ...]]":
    asked = given_numbers(dialect, id=bindparam("ids", type_=Text()))
    wanted = [type_coerce(column, BigInteger).label(None) for column in columns]
    query = select(Standing.subscriber_id, *wanted).where(Standing.subscriber_id.in_(select(asked.c.id)))
    return query.order_by(Standing.subscriber_id).with_for_update()


def hold_by_address(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """Lock the people with these addresses; their ids by the addresses' keys."""
    people, state = Subscriber.__table__, Standing.__table__
    source, is_asked = with_texts(session, people.c.address_key, keys)
    found = select(people.c.address_key, people.c.id).where(is_asked)
    if session.connection().dialect.name == "postgresql":
        source = source.join(state, state.c.subscriber_id == people.c.id)
        found = found.order_by(people.c.id).with_for_update(of=state)
    ids = dict(rows(session, found.select_from(source)))
    _held(session).update(ids.values())
    return ids


def _held(session: Session) -> set[int]:
    """Those whom this transaction holds already; what a savepoint gave up with its end is not among them."""
    transaction = session.get_nested_transaction() or session.get_transaction()
    owner, held = session.info.get(_HELD, (None, None))
    found: set[int] = held if held is not None and owner is transaction else set()
    session.info[_HELD] = (transaction, found)
    return found


def hold_all(session: Session) -> None:
    """Lock everybody; before anything is locked that those who hold people wait for."""
    if session.connection().dialect.name != "sqlite":
        ids = select(Standing.subscriber_id).order_by(Standing.subscriber_id).with_for_update()
        session.execute(select(func.count()).select_from(ids.subquery()))
