"""Asking all rules in one scan: conditions as the bits of a number, compared with the number of the last scan.

In charge of the SELECT that finds who joined or left what, and of how many rules it asks at once. Not of: writing that
down (`refresh.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, Table, and_, case, func, literal, select
from sqlalchemy.sql import visitors

from app.audiences.models import Marks, Membership, Segment
from app.audiences.own_rows import only_of
from app.audiences.reading import Reader
from app.subscribers.models import Standing
from segments.rule import RuleError

# Slots of a sheet: bits of a signed 64-bit integer that both databases shift and compare as we mean it.
SHEET = 60
# Values that the rules of one scan may have: SQLite binds 32,766 to a statement. One rule alone has 2,000 at most
# (segments.rule.MAX_VALUES), and a few more for each of its conditions.
BOUND = 25_000


# A slot, and when its bit is set: a condition, or None for nobody.
Bit = tuple[int, ColumnElement[bool] | None]


def slot_of(segment: Segment) -> int:
    """Its place among the marks; the segment must have one."""
    assert segment.slot is not None
    return segment.slot


def bits_of(words: Reader, segments: Sequence[Segment], asked: "Select[int] | None") -> Iterator[Bit]:
    """Nobody is in an archived segment; while a rule cannot be read, everybody stays where she was: no bit."""
    for segment in segments:
        if segment.archived_at:
            yield slot_of(segment), None
            continue
        try:
            people = words.people(segment.rule)
            yield slot_of(segment), people if asked is None else only_of(people, partial(_is_in, asked))
        except RuleError:
            continue


def _is_in(asked: "Select[int]", person: ColumnElement[int]) -> ColumnElement[bool]:
    return person.in_(asked)


def scans(bits: Iterable[Bit]) -> Iterator[tuple[int, list[Bit]]]:
    """The bits that are looked at together, and their sheet."""
    for sheet, of_sheet in groupby(bits, key=lambda bit: bit[0] // SHEET):
        scan: list[Bit] = []
        bound = 0
        for bit in of_sheet:
            weight = _weight(bit[1])
            if scan and bound + weight > BOUND:
                yield sheet, scan
                scan, bound = [], 0
            scan.append(bit)
            bound += weight
        yield sheet, scan


def _weight(condition: ColumnElement[bool] | None) -> int:
    """How many values the condition binds."""
    found = visitors.iterate(condition) if condition is not None else ()
    bound = (each for each in found if isinstance(each, BindParameter))
    return 3 + sum(len(each.value) if each.expanding and isinstance(each.value, Sequence) else 1 for each in bound)


def moving(sheet: int, bits: Sequence[Bit], asked: "Select[int] | None") -> "Select[int, int, int]":
    """SELECT who moved, and the bits of what she joined and of what she left, of these bits alone."""
    # OFFSET keeps SQLite from merging the two SELECTs, which would evaluate every rule three times.
    each = _compared(sheet, bits, asked).offset(0).subquery()
    return select(
        each.c.subscriber_id,
        each.c.after.bitwise_and(each.c.before.bitwise_not()),
        each.c.before.bitwise_and(each.c.after.bitwise_not()),
    ).where(each.c.before != each.c.after)


def _compared(sheet: int, bits: Sequence[Bit], asked: "Select[int] | None") -> "Select[int, int, int]":
    """Each person's marks as they are and as the rules say now."""
    masks = [(1 << slot % SHEET, condition) for slot, condition in bits]
    whole = literal(sum(mask for mask, _condition in masks), BigInteger)
    before = func.coalesce(Marks.marks, literal(0, BigInteger)).bitwise_and(whole)
    values = [
        case((condition, literal(mask, BigInteger)), else_=literal(0, BigInteger))
        for mask, condition in masks
        if condition is not None
    ]
    after = sum(values, start=literal(0, BigInteger))
    marks = and_(Marks.sheet == sheet, Marks.subscriber_id == Standing.subscriber_id)
    found = select(Standing.subscriber_id, before.label("before"), after.label("after"))
    found = found.select_from(Standing).outerjoin(Marks, marks)
    return found if asked is None else found.where(Standing.subscriber_id.in_(asked))


def asks_memberships(bit: Bit) -> bool:
    """Whether the rule is about who has been in another segment: those are looked at first."""
    found = visitors.iterate(bit[1]) if bit[1] is not None else ()
    return any(isinstance(each, Table) and each.name == Membership.__tablename__ for each in found)
