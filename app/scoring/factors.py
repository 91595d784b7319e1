"""The factor of a day, looked up in SQL: all of a decay's factors travel as one value, packed in the order of days.

A join with a table of them takes as long as all the rest of a sum. In charge of: that value, and the look-up in both
databases. Not of: what a factor is (`segments.score`).
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, LargeBinary, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segments.score import Decay

# In half-lives before the landmark: there, and earlier, the factor is 0 (segments.score).
_FORGOTTEN = 22
# No factor has more than eleven digits.
_DIGITS = 11


class Factors:
    """Of a decay: those of the days since `first`, earlier ones are 0."""

    def __init__(self, session: Session, decay: Decay) -> None:
        self.first, self._most = _first(decay), decay.last_day - _first(decay)
        if session.get_bind().dialect.name == "postgresql":
            # Not as text that is cast: PostgreSQL would read it again for every event.
            self._packed = bindparam(None, _factors(decay), ARRAY(BigInteger))
        else:
            self._packed = bindparam(None, _digits(decay), LargeBinary())

    def after(self, days: ColumnElement[int]) -> ColumnElement[int]:
        """The factor so many days after the first, whose number is 0 or more.

        An event too far in the future for the decay counts on its last day, as in `Points.contribution`.
        """
        return _looked_up(self._packed, days, bindparam(None, self._most, BigInteger()))


class _looked_up(FunctionElement[int]):  # noqa: N801 - reads like the SQL function it is
    type = BigInteger()
    inherit_cache = True


@compiles(_looked_up, "postgresql")
def _of_array(element: _looked_up, compiler: SQLCompiler, **kw: Any) -> str:
    packed, place, most = (compiler.process(each, **kw) for each in element.clauses)
    return f"({packed})[1 + least({place}, {most})]"


@compiles(_looked_up, "sqlite")
def _of_digits(element: _looked_up, compiler: SQLCompiler, **kw: Any) -> str:
    packed, place, most = (compiler.process(each, **kw) for each in element.clauses)
    return f"CAST(substr({packed}, 1 + {_DIGITS} * min({place}, {most}), {_DIGITS}) AS INTEGER)"


def _first(decay: Decay) -> int:
    return decay.landmark_day - _FORGOTTEN * decay.half_life_days


@lru_cache(maxsize=8)
def _factors(decay: Decay) -> list[int]:
    return [factor for _day, factor in decay.table(_first(decay), decay.last_day)]


@lru_cache(maxsize=8)
def _digits(decay: Decay) -> bytes:
    return "".join(f"{factor:{_DIGITS}}" for factor in _factors(decay)).encode()
