"""Limiting a rule to some people from the inside.

A condition may ask other tables (who wears this tag, who clicked so often). Asked of everybody that is one pass over
such a table; asked of a few people it must not be. What a rule says of somebody depends on her own rows alone, so each
of those tables may be replaced by her part of it.
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import ClauseAdapter

from app.db import Base
from app.subscribers.models import Standing, Subscriber


def only_of(
    condition: ColumnElement[bool], among: Callable[[ColumnElement[int]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """The same condition, for those alone whose id is `among` some, where tables about people are read by their key."""
    names = {each.name for each in visitors.iterate(condition) if isinstance(each, Table)} - {Standing.__tablename__}
    for table in (Base.metadata.tables[name] for name in sorted(names & Base.metadata.tables.keys())):
        if key := key_of_person(table):
            part = select(table).where(among(table.c[key])).subquery()
            condition = ClauseAdapter(part).traverse(condition)
    return condition


def key_of_person(table: Table) -> str | None:
    """The column that says whom a row is about; None in tables that are not about people."""
    person = Subscriber.__tablename__
    if table.name == person:
        return "id"
    return next((key.parent.name for key in table.foreign_keys if key.column.table.name == person), None)
