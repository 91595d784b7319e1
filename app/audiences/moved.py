"""Running a scan: whom its rules move goes into a temporary table.

In charge of whom a scan is about, and of asking half of everybody on a second connection, for one statement keeps one
core busy. Not of: what a scan asks (`scan.py`), nor of what becomes of those who moved (`refresh.py`).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, MetaData, Select, Table, delete, func, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from app.audiences.scan import Bit, Whom, moving
from app.db import one_of
from app.importing.batch import as_table
from app.subscribers.models import Standing

# So many at a time go through Python, where very many move, as at first.
_BATCH = 10_000

Movers: TypeAlias = Select[int, int, int]
_TEMPORARY: dict[str, Any] = {"prefixes": ["TEMPORARY"], "postgresql_on_commit": "DELETE ROWS"}
# Who joined or left what, by the bits of the sheet that is looked at.
_COLUMNS = {name: BigInteger() for name in ("subscriber_id", "joined", "gone")}
moved = Table("moved", MetaData(), *(Column(name, kind) for name, kind in _COLUMNS.items()), **_TEMPORARY)


def these(people: Sequence[int]) -> Whom:
    """For scans of these people alone."""
    return Whom(lambda person: one_of(person, people), are_few=True)


def find_moved(session: Session, sheet: int, bits: Sequence[Bit], whom: Whom | None, beside: Session | None) -> bool:
    """Fill `moved` with whom these rules move, of everybody if `whom` is None; whether they move anybody.

    `beside` reads the same state on another connection: there half of everybody is asked.
    """
    session.execute(CreateTable(moved, if_not_exists=True))
    session.execute(delete(moved))
    if whom or beside is None:
        return _keep(session, moving(sheet, bits, whom))
    middle = (session.scalar(select(func.max(Standing.subscriber_id))) or 0) // 2
    with ThreadPoolExecutor(1) as other:
        theirs = other.submit(_read, beside, moving(sheet, bits, Whom(lambda person: person > middle)))
        has_moved = _keep(session, moving(sheet, bits, Whom(lambda person: person <= middle)))
        for some in theirs.result():
            given = as_table(session, _COLUMNS, map(tuple, some))
            has_moved |= _keep(session, select(*given.c))
    return has_moved


def _keep(session: Session, movers: Movers) -> bool:
    kept = insert(moved).from_select([*_COLUMNS], movers)
    return session.connection().execute(kept, execution_options={"preserve_rowcount": True}).rowcount > 0


def _read(beside: Session, movers: Movers) -> Iterator[Sequence[Any]]:
    """The movers in batches; with the first one, which mostly is all of them, the scan is done."""
    batches = beside.connection().execute(movers, execution_options={"yield_per": _BATCH}).partitions()
    return chain([next(batches, ())], batches)
