"""A random share of people that stays the same: drawn by a seed, in Python and in SQL.

In charge of the arithmetic. A person's id is hashed by a polynomial of degree three over the field of P = 2³¹ − 1
elements, with coefficients that come from the seed: any four people fall independently of one another (Wegman and
Carter 1981), and the same integers come out of SQLite, PostgreSQL and Python. Nothing leaves 63 bits for ids below 2³².
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, literal

P = 2**31 - 1
HUNDRED_PERCENT = 10_000  # in hundredths of a percent

N = TypeVar("N", int, ColumnElement[Any])


def in_sample(person: int, share: int, seed: int) -> bool:
    """Whether this person is in the sample of `share` hundredths of a percent."""
    first, *rest = _coefficients(seed)
    return _hash(person, first, rest) < _limit(share)


def in_sample_sql(person: ColumnElement[Any], share: int, seed: int) -> ColumnElement[bool]:
    """`in_sample` of a column of ids."""
    first, *rest = (literal(each, BigInteger) for each in _coefficients(seed))
    hashed: ColumnElement[Any] = _hash(person, first, rest)
    return hashed < literal(_limit(share), BigInteger)


def _hash(person: N, value: N, rest: Sequence[N]) -> N:
    for each in rest:
        value = (value * person + each) % P
    return value


def _coefficients(seed: int) -> list[int]:
    """Four numbers of the field; the first is not 0."""
    digest = sha256(b"letterbond sample %d" % seed).digest()
    first, *rest = (int.from_bytes(digest[at : at + 8]) for at in range(0, 32, 8))
    return [1 + first % (P - 1), *(each % P for each in rest)]


def _limit(share: int) -> int:
    """As large a part of the field as is asked of the people."""
    return P * share // HUNDRED_PERCENT
