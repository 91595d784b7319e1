"""Many rows changed by their keys, many numbers in a statement, by what is fastest on each database.

SQLite is fastest with one prepared statement per row, PostgreSQL with arrays. New rows are `bulk.py`'s.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from app.db import Base

Numbers = tuple[int | None, ...]
# From the numbers of a row to the columns they set.
Change = Callable[[Mapping[str, Any]], dict[str, Any]]
# From the same to whether there is anything to change.
Needed = Callable[[Mapping[str, Any]], ColumnElement[bool]]

_SQLITE = sqlite.dialect()


class Asked(NamedTuple):
    """What is asked of rows once they are changed: a SELECT, made from these of their columns."""

    columns: tuple[str, ...]
    query: Callable[[Any], "Select[*tuple[Any, ...]]"]


def numbers(session: Session, **columns: Iterable[int | None]) -> FromClause:
    """Whole numbers as a table of these columns; on SQLite there can be one column, and no nulls in it."""
    texts = {name: literal(joined(values)) for name, values in columns.items()}
    return given_numbers(session.get_bind().dialect.name, **texts)


def given_numbers(dialect: str, **texts: ColumnElement[str]) -> FromClause:
    """The same of numbers that are `joined`: quicker to write and to read than a list of parameters."""
    if dialect == "postgresql":
        arrays = (cast(func.string_to_array(each, ",", ""), ARRAY(BigInteger)) for each in texts.values())
        return func.unnest(*arrays).table_valued(*(column(name, BigInteger) for name in texts)).render_derived()
    [(name, text)] = texts.items()
    each = func.json_each(literal("[").concat(text).concat("]")).table_valued(column("value", BigInteger))
    return select(each.c.value.label(name)).subquery()


def joined(values: Iterable[int | None]) -> str:
    """Whole numbers as one text, for `given_numbers`."""
    return ",".join(["" if value is None else str(value) for value in values])


def update_rows(
    session: Session,
    model: type[Base],
    names: Sequence[str],
    change: Change,
    rows: Sequence[Numbers],
    needed: Needed | None = None,
    *,
    keys: int = 1,
    asked: Asked | None = None,
) -> Sequence[Any]:
    """Change rows: each of `rows` has numbers by `names`, of which the first `keys` say which row is meant.

    `change` says what the others set. Rows of which `needed` does not hold are left as they are. In the order of keys,
    so that two who change the same rows never wait for one another. Returns what `asked` finds afterwards of
    rows with a single key.
    """
    if not rows:
        return ()
    rows, connection = sorted(rows, key=itemgetter(*range(keys))), session.connection()
    if connection.dialect.name == "postgresql":
        statement = _on_postgresql(model, tuple(names), keys, change, needed, asked)
        given = {f"new_{name}": joined(of) for name, of in zip(names, zip(*rows, strict=True), strict=True)}
        found = connection.execute(statement, given)
        return found.all() if asked else ()
    # SQLAlchemy would prepare the parameters of each row, which takes longer than the row itself.
    driver_sql, places = _on_sqlite(model, tuple(names), keys, change, needed)
    connection.exec_driver_sql(driver_sql, [*map(itemgetter(*places), rows)])
    if asked is None:
        return ()
    of, mine = model.__table__.c, numbers(session, key=[row[0] for row in rows])
    return connection.execute(asked.query(of).where(of[names[0]].in_(select(mine.c.key)))).all()


def find_by_keys(session: Session) -> None:
    """For the rest of the transaction let PostgreSQL look up each row that is asked for by its key.

    For the sake of ten thousand it would read a table of a hundred thousand, and change them in no order.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")


def _update(
    model: type[Base], keys: Sequence[str], change: Change, new: Mapping[str, Any], needed: Needed | None
) -> Update:
    table = model.__table__
    wanted = [type_coerce(table.c[key], BigInteger) == new[key] for key in keys]
    wanted += [needed(new)] if needed else []
    return update(table).where(*wanted).values(change(new))  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _on_postgresql(
    model: type[Base], names: tuple[str, ...], keys: int, change: Change, needed: Needed | None, asked: Asked | None
) -> "Update | Select[*tuple[Any, ...]]":
    given = given_numbers("postgresql", **{name: bindparam(f"new_{name}", type_=Text()) for name in names})
    changed = _update(model, names[:keys], change, dict(given.c), needed)
    if asked is None:
        return changed
    told = changed.returning(*(model.__table__.c[name] for name in asked.columns)).cte("changed")
    return asked.query(told.c)


@cache
def _on_sqlite(
    model: type[Base], names: tuple[str, ...], keys: int, change: Change, needed: Needed | None
) -> tuple[str, tuple[int, ...]]:
    """The statement, and the place in a row of each of its values."""
    new = {name: bindparam(f"new_{name}", type_=BigInteger()) for name in names}
    compiled = _update(model, names[:keys], change, new, needed).compile(dialect=_SQLITE)
    return str(compiled), tuple(names.index(name.removeprefix("new_")) for name in compiled.positiontup or ())
