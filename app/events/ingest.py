"""From the spool into the database, each record exactly once.

How far a file has been read is committed with what was made of it, in one transaction, by a conditional UPDATE: two
ingests at once, or a kill -9 at any point, neither lose nor count a hit twice. A file that is read to its end is kept
for another minute, as context for the hits of other processes, and then deleted.
Not in charge of: what records mean. `take` gets them, in the transaction, with the session, and with what `see` made of
all the records of the same time, in whichever file they are.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.bulk import no_collecting
from app.db import Database
from app.events.buffer import Record
from app.events.models import SpoolOffset
from app.events.spooled import Batch, SpoolFile, spool_files

# So many at most in one transaction. Many of the pages that a batch of events writes are those of the batch before: ten
# thousand at a time cost half of what a thousand do, and take a third of a second.
BATCH = 10_000
_KEPT = timedelta(minutes=1)

_OFFSETS = cast("Table", SpoolOffset.__table__)
_MOVE = (
    update(_OFFSETS)
    .where(_OFFSETS.c.file == bindparam("of"), _OFFSETS.c.offset == bindparam("start"))
    .values(offset=bindparam("end"))
)

T = TypeVar("T")
See = Callable[[Iterable[Record]], T]
Take = Callable[[Session, Sequence[Record], T], None]


def ingest(
    database: Database,
    folder: Path,
    see: See[T],
    take: Take[T],
    before: datetime,
    reach: timedelta = timedelta(),
    mark: bytes = b"",
) -> int:
    """Hand all records older than `before` to `take`; how many there were.

    `see` looks at the records around each stretch of them: those of the same time and of `reach` before and after, of
    which it may be shown only those whose line holds `mark`.
    """
    files = spool_files(folder)
    margin = int(reach.total_seconds() * 1000)

    def stretch(file: SpoolFile, batches: Sequence[Batch]) -> int:
        moments = [record[0] for batch in batches for record in batch.records]
        first, last = min(moments, default=0) - margin, max(moments, default=0) + margin
        read = {file.name: batches}
        seen = see(record for each in files for record in each.between(first, last, read.get(each.name, ()), mark))
        with no_collecting():
            return _take_in_order(database, file, batches, lambda session, records: take(session, records, seen))

    return sum(_ingest_file(database, file, stretch, before) for file in files)


def _ingest_file(
    database: Database, file: SpoolFile, stretch: Callable[[SpoolFile, Sequence[Batch]], int], before: datetime
) -> int:
    total = 0
    try:
        while batches := file.batches(_offset(database, file), BATCH, before):
            taken = stretch(file, batches)
            total += taken
            if taken < sum(len(batch.records) for batch in batches):
                return total
        _forget_if_read(database, file, before - _KEPT)
    except FileNotFoundError:
        # Another ingest read it to the end and removed it meanwhile.
        return total
    return total


def _take_in_order(
    database: Database, file: SpoolFile, batches: Sequence[Batch], take: Callable[[Session, Sequence[Record]], None]
) -> int:
    """The number of records taken: all, unless another ingest is at this file."""
    taken = 0
    for batch in batches:
        with database.bulk() as session:
            if not _advance(session, file, batch):
                return taken
            take(session, batch.records)
        taken += len(batch.records)
    return taken


def _offset(database: Database, file: SpoolFile) -> int:
    with database.reading() as session:
        return session.scalar(select(SpoolOffset.offset).where(SpoolOffset.file == file.name)) or 0


def _advance(session: Session, file: SpoolFile, batch: Batch) -> bool:
    """Move the offset over the batch, if it still is where the batch begins; this decides who takes it.

    Raises FileNotFoundError if another ingest has read the file to its end meanwhile and forgotten it.
    """
    if batch.start == 0:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(SpoolOffset).values(file=batch.file, offset=0).on_conflict_do_nothing())
        # The file goes before its offset: where it is still there, an offset that had been moved would be, too.
        file.path.stat()
    moved = {"of": batch.file, "start": batch.start, "end": batch.end}
    return cast("CursorResult[Any]", session.connection().execute(_MOVE, moved)).rowcount == 1


def _forget_if_read(database: Database, file: SpoolFile, before: datetime) -> None:
    """Remove a file that is read to its end, and then its offset.

    In this order: an offset without a file is a line too many, a file without its offset would be counted again.
    """
    offset = _offset(database, file)
    if offset and file.remove_if_read(offset, before):
        with database.transaction() as session:
            session.execute(delete(SpoolOffset).where(SpoolOffset.file == file.name))
