"""Many new rows into a table, by what is fastest on each database.

SQLite is fastest with one prepared statement per row, PostgreSQL with COPY. Not in charge of conflicts: whoever inserts
has made sure that there are none. Changing rows is `changes.py`'s.
"""

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from types import NoneType
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import JSON, TypeDecorator

from app.db import Base

# The name of the sequence is looked up once, not once per number.
_NUMBERS = text("""
    WITH sequence AS MATERIALIZED (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS name)
    SELECT nextval(name) FROM sequence, generate_series(1, :count)""")
_MAY_SKIP = text("""
    SELECT CASE WHEN current_setting('is_superuser') = 'on' THEN true
        WHEN current_setting('server_version_num')::int < 150000 THEN false
        ELSE has_parameter_privilege('session_replication_role', 'SET') END""")
_STRETCH = 1_000
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Every(NamedTuple):
    """A column that is the same in every row."""

    value: Any


class Stored(NamedTuple):
    """A column of values as the database keeps them."""

    values: Sequence[Any]


Column = Sequence[Any] | Every | Stored


# Values as the database keeps them, for each row or for all, by the names of their columns.
Columns = Mapping[str, Sequence[Any] | Every]


@contextmanager
def no_collecting() -> Iterator[None]:
    """Many rows make many objects and no cycles: looking for some takes up to two fifths of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def insert_rows(session: Session, model: type[Base], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of these columns, with all values given, as the model has them; after what the session holds."""
    if rows:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        insert_columns(session, model, columns, len(rows))


def insert_columns(session: Session, model: type[Base], columns: Mapping[str, Column], count: int) -> None:
    """The same from columns, each with `count` values or with one for all."""
    insert_stored(session, model, stored(session, model, columns), count)


def insert_stored(session: Session, model: type[Base], columns: Columns, count: int) -> None:
    """The same from values as the database keeps them."""
    if not count:
        return
    session.flush()
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote
    target = f"{quote(model.__tablename__)} ({', '.join(map(quote, columns))})"
    insert = copy_columns if connection.dialect.name == "postgresql" else _insert_on_sqlite
    insert(connection, target, [*columns.values()], count)


def stored(session: Session, model: type[Base], columns: Mapping[str, Column]) -> Columns:
    """The values as the database keeps them: moments as seconds, states as numbers, JSON as text."""
    return {name: _column(session.connection(), model, name, values) for name, values in columns.items()}


def all_of(values: Sequence[Any] | Every, count: int) -> Sequence[Any]:
    """A column with a value for each row."""
    return [values.value] * count if isinstance(values, Every) else values


@contextmanager
def parents_seen(session: Session) -> Iterator[None]:
    """Insert rows whose parents this transaction has made or locked, without PostgreSQL looking for each of them again.

    Foreign keys cost three times what the rows do. Not being asked is a right of superusers, and of those whom one has
    given it (docs/operating.md); others are asked. On SQLite see `Database.bulk`.
    """
    connection = session.connection()
    may = connection.dialect.name == "postgresql" and session.scalar(_MAY_SKIP)
    if may:
        session.flush()
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    yield
    if may:
        # After an error there is nothing to set: the transaction is over.
        connection.exec_driver_sql("SET LOCAL session_replication_role = origin")


def next_ids(session: Session, model: type[Base], count: int) -> Sequence[int]:
    """Numbers for so many new rows; on SQLite, where there is one writer, those behind the last."""
    if session.get_bind().dialect.name == "postgresql":
        return session.scalars(_NUMBERS, {"table": f'"{model.__tablename__}"', "count": count}).all()
    last = session.scalar(select(func.max(model.__table__.c.id))) or 0
    return range(last + 1, last + 1 + count)


def _column(connection: Connection, model: type[Base], name: str, values: Column) -> Sequence[Any] | Every:
    """The values as the database keeps them: moments as seconds, states as numbers, JSON as text."""
    if isinstance(values, Stored):
        return values.values
    if isinstance(values, Every):
        return Every(next(iter(_stored(connection, model, name, [values.value]))))
    return _stored(connection, model, name, values)


def _stored(connection: Connection, model: type[Base], name: str, values: Sequence[Any]) -> Sequence[Any]:
    kind = model.__table__.c[name].type
    if isinstance(kind, JSON):
        return _texts(values)
    if not isinstance(kind, TypeDecorator):
        return values
    convert, dialect = kind.process_bind_param, connection.dialect
    known = {value: None if value is None else convert(value, dialect) for value in set(values)}
    return [known[value] for value in values]


def _texts(values: Sequence[Any]) -> list[str | None]:
    """Each as JSON; the same value in many rows is written once."""
    known: dict[int, str | None] = {id(None): None}
    for value in values:
        if id(value) not in known:
            known[id(value)] = json.dumps(value)
    return [known[id(value)] for value in values]


def _insert_on_sqlite(
    connection: Connection, target: str, columns: Sequence[Sequence[Any] | Every], count: int
) -> None:
    lists = [of for of in columns if not isinstance(of, Every | range)]
    if len(lists) < 2:
        # One list, beside what is the same or counts on, travels as JSON: at a third of the price of a row at a time.
        cells = {Every: "?", range: "? + key"}
        source = f"SELECT {', '.join([cells.get(type(of), 'value') for of in columns])} FROM json_each(?)"  # noqa: S608 - nothing but marks
        given = [of.value if isinstance(of, Every) else of.start for of in columns if isinstance(of, Every | range)]
        connection.exec_driver_sql(f"INSERT INTO {target} {source}", (*given, json.dumps([*lists, [0] * count][0])))
        return
    # What is bound is bound for each row anew.
    fixed = {number: _fixed(of) for number, of in enumerate(columns)}
    marks = ", ".join(each or "?" for each in fixed.values())
    bound = [of for number, of in enumerate(columns) if not fixed[number]]
    rows = zip(*(repeat(of.value, count) if isinstance(of, Every) else of for of in bound), strict=True)
    connection.exec_driver_sql(f"INSERT INTO {target} VALUES ({marks})", list(rows))  # noqa: S608 - our own names


def _fixed(of: Sequence[Any] | Every) -> str | None:
    """A number or nothing that is the same in every row, as part of the statement."""
    if isinstance(of, Every) and (of.value is None or type(of.value) is int):
        return "NULL" if of.value is None else str(of.value)
    return None


def copy_columns(connection: Connection, target: str, columns: Sequence[Sequence[Any] | Every], count: int) -> None:
    """COPY into a table and its columns (`target`), on PostgreSQL; values as they are stored."""
    driver = connection.connection.driver_connection
    assert driver
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        # The server takes one stretch in while the next one is written here.
        for start in range(0, count, _STRETCH):
            size = min(_STRETCH, count - start)
            texts = [
                repeat(_cell(of.value), size) if isinstance(of, Every) else _cells(of[start : start + size])
                for of in columns
            ]
            copy.write("\n".join(map("\t".join, zip(*texts, strict=True))) + "\n")


def _cells(values: Sequence[Any]) -> Sequence[str]:
    """A column in the text format of COPY, looked at as a whole where that will do."""
    kinds = set(map(type, values)) - {NoneType}
    if kinds <= {int}:
        return [r"\N" if value is None else str(value) for value in values]
    if kinds == {str} and not any(map("".join(filter(None, values)).__contains__, "\\\t\n\r")):
        return [r"\N" if value is None else value for value in values]
    return list(map(_cell, values))


def _cell(value: Any) -> str:
    """A value in the text format of COPY."""
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)
