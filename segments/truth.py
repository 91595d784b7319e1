"""Two-valued logic over SQL's three.

In charge of keeping NULL out of conditions, so that a negation is the exact complement.
"""

from typing import Any, TypeAlias

from sqlalchemy import BinaryExpression, ColumnElement, Exists, String, and_, false, func, not_, or_
from sqlalchemy.sql import operators

Sql: TypeAlias = ColumnElement[Any]
Truth: TypeAlias = ColumnElement[bool]

_NEVER_UNKNOWN = {operators.is_, operators.is_not}


def known(value: Sql, condition: Truth) -> Truth:
    """The condition on the value, and false when the value is unknown.

    An AND leaves the condition visible to an index, where COALESCE would hide it.
    """
    return and_(condition, value.is_not(None))


def negated(condition: Truth) -> Truth:
    """The complement, also of a condition that a field let become NULL."""
    if isinstance(condition, Exists) or (
        isinstance(condition, BinaryExpression) and condition.operator in _NEVER_UNKNOWN
    ):
        return not_(condition)
    return not_(func.coalesce(condition, false()))


def is_empty(value: Sql) -> Truth:
    """Unknown; an empty text is unknown too."""
    if isinstance(value.type, String):
        return or_(value.is_(None), value == "")
    return value.is_(None)
