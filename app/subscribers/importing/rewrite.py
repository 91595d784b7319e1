"""Sets the columns of many people at once: what an import changes, and what undoing it sets back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, cast, update
from sqlalchemy.orm import Session
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

from app.db import Base
from app.importing.batch import as_table
from app.subscribers.importing.known import table_of
from app.subscribers.importing.plan import PROFILE, STATE, Person
from app.subscribers.models import Standing, Subscriber

_TABLES = ((Subscriber, "id", PROFILE), (Standing, "subscriber_id", STATE))


def rewrite(session: Session, people: Sequence[Person]) -> None:
    """Set PROFILE and STATE of those of whom any changes."""
    for table, key, names in _TABLES:
        mine = {*names}
        rows = [
            (*(_stored(each, name) for name in names), each.known.id)
            for each in people
            if not mine.isdisjoint(each.changes) or ("attributes" in mine and each.attributes != each.known.attributes)
        ]
        if rows:
            _write(session, table, (*names, key), rows)


def write_columns(session: Session, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set the columns of PROFILE and STATE of these people, each to what the models have."""
    for table, key, names in _TABLES if values else ():
        types = {name: table_of(table).c[name].type for name in (key, *names)}
        rows = as_table(session, types, [(each, *map(of.get, names)) for each, of in values.items()])
        session.execute(
            update(table).where(getattr(table, key) == rows.c[key]).values({name: rows.c[name] for name in names}),
            execution_options={"synchronize_session": False},
        )


def _stored(person: Person, name: str) -> Any:
    """A column as it will be stored."""
    if name == "attributes":
        return person.attributes
    return person.changes[name][1] if name in person.changes else getattr(person.known, name)


def _write(session: Session, model: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set all columns but the last, by which the rows are found."""
    *columns, key = names
    if session.get_bind().dialect.name == "sqlite":
        settings = ", ".join(f"{name} = ?" for name in columns)
        statement = f"UPDATE {model.__tablename__} SET {settings} WHERE {key} = ?"  # noqa: S608 - our own names
        session.connection().exec_driver_sql(statement, list(map(tuple, rows)))
        return
    table = table_of(model)
    new = as_table(session, {name: _plain(table.c[name].type) for name in names}, rows)
    values = {name: cast(new.c[name], table.c[name].type) for name in columns}
    session.execute(update(table).where(table.c[key] == new.c[key]).values(values))


def _plain(kind: "TypeEngine[Any]") -> "TypeEngine[Any]":
    """The type of what is stored: seconds and numbers for what the models have as moments and states."""
    if isinstance(kind, TypeDecorator):
        return BigInteger()
    return Text() if isinstance(kind, JSON) else kind
