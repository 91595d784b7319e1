"""A rule as it would have answered in the past: whom it would have meant just before a moment.

What happened (events, orders, mails) is taken as far as it had happened by then, the counts of it as they were, with
the score that follows from it and the tier that was had. So words about what people did have a history; words about
what they are (country, tags, names) do not: only their present is known, and a rule with such a word is refused rather
than answered wrongly.

Somebody counts as active from her confirmation (or the day she came in, where there was none) until she left; whoever
left and came back counts as if she had always been there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    SelectBase,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import ClauseAdapter

from app.audiences.own_rows import key_of_person
from app.audiences.reading import Reader
from app.db import Base
from app.feature import History, house
from app.subscribers.models import Standing, Status
from segments.rule import Condition, conditions, parse
from segments.sentence import sentence
from segments.where import where

_TRUTH = ColumnElement[bool]
# What never changes of somebody. Confirmations are known by their time.
_FIXED = frozenset({"subscriber_id", "created_at", "confirmed_at"})


def without_history(words: Reader, data: object, locale: str) -> list[str]:
    """The conditions of a rule that nobody can answer for the past, as sentences; RuleError."""
    return [
        sentence(condition, words.vocabulary, locale)
        for _path, condition in conditions(parse(data))
        if not _has_history(words, condition)
    ]


def _has_history(words: Reader, condition: Condition) -> bool:
    asked = where(condition, words.vocabulary, words.now, words.zone)
    known = _FIXED | {name for history in _histories() for name in history.columns}
    columns = {name for table, name in _columns(asked) if table == Standing.__tablename__}
    return columns <= known and all(_is_past_known(table) for table in _tables(asked))


def _histories() -> list[History]:
    return [feature.history for feature in house().features if feature.history]


def _moments() -> dict[str, str]:
    return {table: column for history in _histories() for table, column in history.moments.items()}


def _derived() -> dict[str, Callable[[Session, datetime], SelectBase]]:
    return {table: made for history in _histories() for table, made in history.tables.items()}


def _is_past_known(table: Table) -> bool:
    """Tables that are not about people (products, links) are taken as they are."""
    is_about_people = key_of_person(table) is not None and table.name != Standing.__tablename__
    return table.name in _moments() or table.name in _derived() or not is_about_people


def _tables(condition: _TRUTH) -> list[Table]:
    return [each for each in visitors.iterate(condition) if isinstance(each, Table)]


def _columns(condition: _TRUTH) -> set[tuple[str, str]]:
    """The columns that are asked for, with the name of their table."""
    found = (each for each in visitors.iterate(condition) if isinstance(each, Column))
    return {(each.table.name, each.name) for each in found}


def members_then(session: Session, words: Reader, data: object) -> "Select[int]":
    """SELECT the ids of those whom the rule would have meant just before the reader's `now`; RuleError."""
    condition = where(parse(data), words.vocabulary, words.now, words.zone)
    for name, column in _moments().items():
        table = Base.metadata.tables[name]
        past = select(table).where(table.c[column] < words.now).subquery()
        condition = ClauseAdapter(past).traverse(condition)
    asked = {table.name for table in _tables(condition)}
    for name, made in _derived().items():
        if name in asked:
            condition = _of(made(session, words.now).subquery(), name, condition)
    standing = _standing_then(session, words.now, {name for _table, name in _columns(condition)})
    return select(standing.c.subscriber_id).where(
        standing.c.was_active, _of(standing, Standing.__tablename__, condition)
    )


def _of(past: Subquery, table: str, condition: _TRUTH) -> _TRUTH:
    """The condition with the table as it was in place of the one that is, its columns by name."""

    def then(element: Any, **_: Any) -> Any:
        if isinstance(element, Column) and element.table.name == table:
            return past.c[element.name]
        return past if isinstance(element, Table) and element.name == table else None

    replaced: _TRUTH = visitors.replacement_traverse(condition, {}, then)
    return replaced


def _standing_then(session: Session, moment: datetime, wanted: set[str]) -> Subquery:
    """Standing as it was, with the columns that are asked for."""
    confirmed = Standing.confirmed_at
    begun = func.coalesce(type_coerce(confirmed, confirmed.type), Standing.created_at) < moment
    stayed = or_(Standing.status == Status.ACTIVE, func.coalesce(Standing.ended_at >= moment, literal(0) == 1))
    columns: list[Any] = [
        Standing.subscriber_id,
        Standing.created_at,
        case((confirmed < moment, confirmed)).label("confirmed_at"),
        and_(Standing.status != Status.PENDING, begun, stayed).label("was_active"),
    ]
    joined: Any = Standing.__table__
    for history in _histories():
        if history.standing and wanted & history.columns.keys():
            then = history.standing(session, moment).subquery()
            joined = joined.outerjoin(then, then.c.subscriber_id == Standing.subscriber_id)
            columns += [
                _or_empty(then.c[name], empty).label(name) for name, empty in history.columns.items() if name in wanted
            ]
    return select(*columns).select_from(joined).where(Standing.created_at < moment).subquery()


def _or_empty(column: ColumnElement[Any], empty: int | None) -> ColumnElement[Any]:
    return column if empty is None else func.coalesce(column, empty)
