"""Asking all rules in one scan: conditions as the bits of a number, compared with the number of the last scan.

In charge of the SELECT that finds who joined or left what, and of how many rules it asks at once. Not of: writing that
down (`refresh.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, Table, and_, case, func, literal, select
from sqlalchemy.sql import visitors

from app.audiences.models import Marks, Membership, Segment
from app.audiences.own_rows import one_by_one, only_of
from app.audiences.reading import Reader, side_by_side
from app.subscribers.models import Standing
from segments.rule import RuleError

# Slots of a sheet: bits of a signed 64-bit integer that both databases shift and compare as we mean it.
SHEET = 60
# Values that the rules of one scan may have: SQLite binds 32,766 to a statement. One rule alone has 2,000 at most
# (segments.rule.MAX_VALUES), and a few more for each of its conditions.
BOUND = 25_000

Truth = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a scan is about, as a condition on a person's id; whether they are few, and looked up one by one."""

    among: Callable[[ColumnElement[int]], Truth]
    are_few: bool = False

    def limited(self, condition: Truth) -> Truth:
        """A condition that asks about nobody else."""
        return one_by_one(condition) if self.are_few else only_of(condition, self.among)


@dataclass(frozen=True, slots=True)
class Bit:
    """A slot, and when its bit is set: for whom of a population a condition holds; None for nobody."""

    slot: int
    among: Truth | None = None
    holds: Truth | None = None

    @property
    def mask(self) -> int:
        """The bit within its sheet."""
        return 1 << self.slot % SHEET


def slot_of(segment: Segment) -> int:
    """Its place among the marks; the segment must have one."""
    assert segment.slot is not None
    return segment.slot


def bits_of(words: Reader, segments: Sequence[Segment]) -> Iterator[Bit]:
    """Nobody is in an archived segment; while a rule cannot be read, everybody stays where she was: no bit."""
    for segment in segments:
        if segment.archived_at:
            yield Bit(slot_of(segment))
            continue
        try:
            among, holds = words.parts(segment.rule)
        except RuleError:
            continue
        yield Bit(slot_of(segment), among, holds)


def scans(bits: Iterable[Bit]) -> Iterator[tuple[int, list[Bit]]]:
    """The bits that are looked at together, and their sheet."""
    for sheet, of_sheet in groupby(bits, key=lambda bit: bit.slot // SHEET):
        scan: list[Bit] = []
        bound = 0
        for bit in of_sheet:
            weight = _weight(bit.holds)
            if scan and bound + weight > BOUND:
                yield sheet, scan
                scan, bound = [], 0
            scan.append(bit)
            bound += weight
        yield sheet, scan


def _weight(condition: Truth | None) -> int:
    """How many values the condition binds."""
    found = visitors.iterate(condition) if condition is not None else ()
    bound = (each for each in found if isinstance(each, BindParameter))
    return 3 + sum(len(each.value) if each.expanding and isinstance(each.value, Sequence) else 1 for each in bound)


def moving(sheet: int, bits: Sequence[Bit], whom: Whom | None) -> "Select[int, int, int]":
    """SELECT who moved, and the bits of what she joined and of what she left, of these bits alone; of everybody if
    `whom` is None."""
    # OFFSET keeps SQLite from merging the two SELECTs, which would evaluate every rule three times.
    each = _compared(sheet, bits, whom).offset(0).subquery()
    return select(
        each.c.subscriber_id,
        each.c.after.bitwise_and(each.c.before.bitwise_not()).label("joined"),
        each.c.before.bitwise_and(each.c.after.bitwise_not()).label("gone"),
    ).where(each.c.before != each.c.after)


def _compared(sheet: int, bits: Sequence[Bit], whom: Whom | None) -> "Select[int, int, int]":
    """Each person's marks as they are and as the rules say now."""
    if whom:
        bits = [bit if bit.holds is None else replace(bit, holds=whom.limited(bit.holds)) for bit in bits]
    whole = literal(sum(bit.mask for bit in bits), BigInteger)
    before = func.coalesce(Marks.marks, literal(0, BigInteger)).bitwise_and(whole)
    marks = and_(Marks.sheet == sheet, Marks.subscriber_id == Standing.subscriber_id)
    people = side_by_side(*(bit.holds for bit in bits if bit.holds is not None)).outerjoin(Marks, marks)
    found = select(Standing.subscriber_id, before.label("before"), _marked(bits).label("after")).select_from(people)
    return found.where(whom.among(Standing.subscriber_id.expression)) if whom else found


def _marked(bits: Sequence[Bit]) -> ColumnElement[int]:
    """The marks that the rules give; whether somebody is active is asked once."""
    given: dict[Truth, list[ColumnElement[int]]] = {}
    for bit in bits:
        if bit.among is not None and bit.holds is not None:
            given.setdefault(bit.among, []).append(_or_nothing(bit.holds, literal(bit.mask, BigInteger)))
    nothing = literal(0, BigInteger)
    return sum((_or_nothing(among, sum(marks, start=nothing)) for among, marks in given.items()), start=nothing)


def _or_nothing(condition: Truth, marks: ColumnElement[int]) -> ColumnElement[int]:
    return case((condition, marks), else_=literal(0, BigInteger))


def asks_memberships(bit: Bit) -> bool:
    """Whether the rule is about who has been in another segment: those are looked at first."""
    found = visitors.iterate(bit.holds) if bit.holds is not None else ()
    return any(isinstance(each, Table) and each.name == Membership.__tablename__ for each in found)
