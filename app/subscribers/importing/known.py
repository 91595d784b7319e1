"""Who of a batch is here already, as the database holds her: a row costs a look-up and becomes no object of its own.

In charge of: finding them, and of locking whom the batch may change. Not of: what the file says of them (`said.py`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, SmallInteger, Table, Text, cast, select, type_coerce
from sqlalchemy.orm import Session

from app.importing.batch import with_texts
from app.subscribers.models import Standing, Subscriber, Suppression, SuppressionReason

_REASONS = list(SuppressionReason)


class Known(NamedTuple):
    """Somebody as the database holds her: `attributes` as JSON text, states by number, moments as seconds."""

    id: int
    key: str
    email: str
    hash: str
    first_name: str | None
    last_name: str | None
    time_zone: str | None
    attributes: str
    language: str | None
    country: str | None
    birthday: int | None
    birth_year: int | None
    status: int
    confirmed_at: int | None
    ended_at: int | None
    reason: int | None

    @property
    def bar(self) -> SuppressionReason | None:
        """Why her address is on the suppression list, if it is."""
        return None if self.reason is None else _REASONS[self.reason]


def known_people(session: Session, keys: Sequence[str]) -> dict[str, Known]:
    """By address, locked: whoever wants to leave meanwhile leaves after this batch, and has left."""
    people, state, bars = table_of(Subscriber), table_of(Standing), table_of(Suppression)
    columns: list[Any] = [people.c[name] for name in ("id", "address_key", "email", "address_hash")]
    columns += [people.c[name] for name in ("first_name", "last_name", "time_zone")]
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    text = cast(people.c.attributes, Text) if is_postgresql else type_coerce(people.c.attributes, Text)
    columns += [text, *(state.c[name] for name in ("language", "country", "birthday", "birth_year"))]
    columns += [type_coerce(state.c[name], BigInteger) for name in ("status", "confirmed_at", "ended_at")]
    columns.append(type_coerce(bars.c.reason, SmallInteger))
    source, is_asked = with_texts(session, people.c.address_key, keys)
    joined = source.join(state, state.c.subscriber_id == people.c.id)
    joined = joined.outerjoin(bars, bars.c.address_hash == people.c.address_hash)
    statement = select(*columns).select_from(joined).where(is_asked)
    if is_postgresql:
        statement = statement.order_by(people.c.id).with_for_update(of=state)
    return {found[1]: Known._make(found) for found in session.execute(statement).all()}


def table_of(model: Any) -> Table:
    """Its table, of which a SELECT gives plain rows."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
