"""Many rows in one statement: a list as a table, on both databases.

The list travels as one JSON parameter (`json_each` on SQLite, `jsonb_to_recordset` on PostgreSQL): no staging table, no
limit on parameters, and as fast as a bulk load. Ask for rows by `column IN (SELECT …)` of it: SQLite may put a joined
list inside its loop and read it once per row. Not in charge of: what is done with it, nor of whole numbers alone, which
travel quicker (`app.db.one_of` for a condition, `app.changes.numbers` for a table).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Join,
    Subquery,
    Text,
    cast,
    column,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

from app.errors import Conflict

Types = Mapping[str, "TypeEngine[Any]"]


def as_table(session: Session, types: Types, rows: Iterable[Sequence[Any]]) -> Subquery:
    """A subquery with the columns `types`, in their order, and these rows, whose values are as the columns' are."""
    document = json.dumps([*_stored(session, types, rows)], ensure_ascii=False)
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(document).table_valued("value")
        cells = [func.json_extract(each.c.value, f"$[{place}]") for place in range(len(types))]
    else:
        array = func.jsonb_array_elements(cast(literal(document), JSONB)).table_valued(column("value", JSONB))
        cells = [_cell(array.c.value, place, kind) for place, kind in enumerate(types.values())]
    named = [type_coerce(cell, kind).label(name) for (name, kind), cell in zip(types.items(), cells, strict=True)]
    return select(*named).subquery()


def with_texts(session: Session, column: Any, texts: Iterable[str]) -> tuple[FromClause, ColumnElement[bool]]:
    """The table of a column, and the condition that this column is one of the texts; each of them is given once."""
    asked = [*texts]
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(json.dumps(asked, ensure_ascii=False)).table_valued("value")
        return _ListFirst(each, column.table, column == each.c.value), true()
    lines = "\n".join(asked)
    # One text is quicker to send than many, and an array than JSON, of which PostgreSQL has no idea how long it is.
    is_plain = lines.count("\n") == len(asked) - 1 and lines
    array = func.string_to_array(literal(lines), "\n") if is_plain else literal(asked, ARRAY(Text()))
    return column.table, column == func.any(array)


class _ListFirst(Join):
    """A join of a list and the table of which it has keys: each is looked up, and no index is made of the list."""

    inherit_cache = True


@compiles(_ListFirst)
def _cross(element: _ListFirst, compiler: SQLCompiler, **kw: Any) -> str:
    assert element.onclause is not None
    left, right = (compiler.process(each, **kw) for each in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause, **{**kw, 'asfrom': False})}"


@contextmanager
def no_twins(session: Session, sentence: str) -> Iterator[None]:
    """Refuse with this sentence where somebody else has just written the same: the next ring plans the batch anew."""
    if session.get_bind().dialect.name == "sqlite":
        # There is one writer, and nobody else.
        yield
        return
    # PostgreSQL's client is not loaded where SQLite is used.
    from psycopg.errors import UniqueViolation

    try:
        yield
    except UniqueViolation as error:
        raise Conflict(sentence) from error


def _cell(value: Any, place: int, kind: "TypeEngine[Any]") -> Any:
    if isinstance(kind, JSON):
        return func.nullif(value.op("->")(place), cast(literal("null"), JSONB))
    return cast(value.op("->>")(place), kind)


def _stored(session: Session, types: Types, rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    """The rows with moments and states as the numbers that the database keeps."""
    dialect = session.get_bind().dialect
    special: list[tuple[int, Callable[[Any], Any]]] = [
        (place, lambda value, kind=kind: kind.process_bind_param(value, dialect))  # type: ignore[misc]
        for place, kind in enumerate(types.values())
        if isinstance(kind, TypeDecorator)
    ]
    if not special:
        return rows
    return (_converted(row, special) for row in rows)


def _converted(row: Sequence[Any], special: list[tuple[int, Callable[[Any], Any]]]) -> Sequence[Any]:
    cells = list(row)
    for place, convert in special:
        cells[place] = convert(cells[place])
    return cells
