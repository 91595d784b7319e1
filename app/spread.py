"""How many rows have each of a few values of a column, in one pass: to group them, SQLite would sort them all."""

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

Value = TypeVar("Value")


def spread(
    session: Session, column: InstrumentedAttribute[Any], values: Iterable[Value], *which: ColumnElement[bool]
) -> dict[Value, int]:
    """The number of rows by value, of those rows that meet the conditions; None is a value too."""
    wanted = list(values)
    counts = (func.count().filter(column.is_not_distinct_from(each)) for each in wanted)
    found = session.execute(select(*counts).select_from(column.class_).where(*which)).one() if wanted else ()
    return dict(zip(wanted, map(int, found), strict=True))
