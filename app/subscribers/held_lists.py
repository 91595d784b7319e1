"""Custom fields that are lists: asking for a value in one, in SQL.

In charge of one construct, `holds_any`, which each database says in its own way. Values are bound.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, and_, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segments.written import written_in


def holds_any(attributes: ColumnElement[Any], key: str, values: Sequence[str]) -> ColumnElement[bool]:
    """Whether the list under `key` (letters, digits and _) has one of the values; false where there is none."""
    holds = _HoldsAny(attributes, literal(key, String), *(literal(each, String) for each in values))
    return and_(written_in(attributes, values), holds)


class _HoldsAny(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    name = "holds_any"


@compiles(_HoldsAny, "sqlite")
def _on_sqlite(element: _HoldsAny, compiler: SQLCompiler, **options: Any) -> str:
    attributes, key, *values = (compiler.process(each, **options) for each in element.clauses)
    held = f"json_each({attributes}, '$.' || {key})"
    # Every part has been compiled, and each value is bound.
    return f"EXISTS (SELECT 1 FROM {held} AS held WHERE held.value IN ({', '.join(values)}))"  # noqa: S608


@compiles(_HoldsAny, "postgresql")
def _on_postgresql(element: _HoldsAny, compiler: SQLCompiler, **options: Any) -> str:
    attributes, key, *values = (compiler.process(each, **options) for each in element.clauses)
    wanted = ", ".join(f"CAST({each} AS TEXT)" for each in values)
    return f"COALESCE(jsonb_exists_any({attributes} -> CAST({key} AS TEXT), ARRAY[{wanted}]), false)"
