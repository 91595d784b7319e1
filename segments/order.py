"""The order in which the parts of a group are asked.

SQLite asks them as they are written and stops as soon as the answer is known, so what costs least comes first: the row
at hand, then a word looked for in a document, then the document parsed, then other tables.
"""

from collections.abc import Iterable

from sqlalchemy import Select, and_, false, or_, true
from sqlalchemy.sql import visitors

from segments.truth import Truth
from segments.written import Written, is_member


def all_of(parts: Iterable[Truth]) -> Truth:
    """Every part holds; of none, true."""
    return and_(true(), *sorted(parts, key=_cost))


def any_of(parts: Iterable[Truth]) -> Truth:
    """One of the parts holds; of none, false."""
    return or_(false(), *sorted(parts, key=_cost))


def _cost(part: Truth) -> int:
    asked = set(map(type, visitors.iterate(part)))
    if Select in asked:
        return 3
    if Written in asked:
        return 1
    return 2 if any(map(is_member, visitors.iterate(part))) else 0
