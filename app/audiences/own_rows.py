"""Limiting a rule to some people from the inside.

A condition may ask other tables (who wears this tag, who clicked so often). Asked of everybody that is one pass over
such a table; asked of a few people it must not be. What a rule says of somebody depends on her own rows alone, so each
of those tables may be replaced by the rows of some people, or by her own ones.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import BinaryExpression, ColumnElement, Select, Subquery, Table, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.util import ClauseAdapter

from app.db import Base
from app.subscribers.models import Standing, Subscriber

Truth = ColumnElement[bool]


def only_of(condition: Truth, among: Callable[[ColumnElement[int]], Truth]) -> Truth:
    """The same condition, for those alone whose id is `among` some, where tables about people are read by their key."""
    return _with_parts(condition, lambda table, key: select(table).where(among(table.c[key])).subquery())


def one_by_one(condition: Truth) -> Truth:
    """The same condition, which looks up the rows of each person when it comes to her: for few people.

    What else a rule says of her has often decided by then, and no plan can find it better to read a whole table.
    """
    hers = _with_parts(condition, _her_rows)
    return hers if hers is condition else visitors.replacement_traverse(hers, {}, _is_any)


def _with_parts(condition: Truth, part: Callable[[Table, str], Subquery]) -> Truth:
    """The condition with `part` in the place of each table about people, whose key is told to it."""
    names = {each.name for each in visitors.iterate(condition) if isinstance(each, Table)} - {Standing.__tablename__}
    for table in (Base.metadata.tables[name] for name in sorted(names & Base.metadata.tables.keys())):
        if key := key_of_person(table):
            # The part may speak of other tables, of which it is none.
            condition = ClauseAdapter(part(table, key), adapt_from_selectables={table}).traverse(condition)
    return condition


@cache
def _her_rows(table: Table, key: str) -> Subquery:
    return select(table).where(table.c[key] == Standing.subscriber_id).correlate(Standing).subquery()


def _is_any(element: Any, **_: Any) -> Truth | None:
    """Who is among those who are found in her own rows is found at all: SQLite would write the ids down to say so."""
    if not isinstance(element, BinaryExpression) or element.operator is not operators.in_op:
        return None
    found = getattr(element.right, "element", None)
    if not isinstance(found, Select) or not element.left.compare(Standing.subscriber_id.expression):
        return None
    return found.correlate(Standing).exists()


def key_of_person(table: Table) -> str | None:
    """The column that says whom a row is about; None in tables that are not about people."""
    person = Subscriber.__tablename__
    if table.name == person:
        return "id"
    return next((key.parent.name for key in table.foreign_keys if key.column.table.name == person), None)
