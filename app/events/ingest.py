"""From the spool into the database, each record exactly once.

How far a file has been read is committed with what was made of it, in one transaction, by a conditional UPDATE: two
ingests at once, or a kill -9 at any point, neither lose nor count a hit twice. A file that is read to its end is kept
for another minute, as context for the hits of other processes, and then deleted.
Not in charge of: what records mean. `take` gets them, in the transaction, with the session.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Database
from app.events.buffer import Record
from app.events.models import SpoolOffset
from app.events.spooled import Batch, SpoolFile, spool_files

BATCH = 1000
_KEPT = timedelta(minutes=1)

# Gets the records of a batch, and those around them (the batch included) as context.
Take = Callable[[Session, Sequence[Record], Sequence[Record]], None]


def ingest(database: Database, folder: Path, take: Take, before: datetime) -> int:
    """Hand all records older than `before` to `take`; how many there were."""
    files = spool_files(folder)
    return sum(_ingest_file(database, file, files, take, before) for file in files)


def _ingest_file(database: Database, file: SpoolFile, files: Sequence[SpoolFile], take: Take, before: datetime) -> int:
    total = 0
    try:
        while (count := _ingest_batch(database, file, files, take, before)) is not None:
            total += count
        _forget_if_read(database, file, before - _KEPT)
    except FileNotFoundError:
        # Another ingest read it to the end and removed it meanwhile.
        return total
    return total


def _ingest_batch(
    database: Database, file: SpoolFile, files: Sequence[SpoolFile], take: Take, before: datetime
) -> int | None:
    """The number of records taken; None when there is nothing more to read, or another ingest is at it."""
    offsets = _offsets(database)
    batch = file.batch(offsets.get(file.name, 0), BATCH, before)
    if batch.end == batch.start:
        return None
    others = [each.around(offsets.get(each.name, 0)) for each in files if each is not file]
    around = [record for records in (batch.around, *others) for record in records]
    with database.transaction() as session:
        if not _advance(session, batch):
            return None
        take(session, batch.records, around)
    return len(batch.records)


def _offsets(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {row.file: row.offset for row in session.execute(select(SpoolOffset.file, SpoolOffset.offset))}


def _advance(session: Session, batch: Batch) -> bool:
    """Move the offset over the batch, if it still is where the batch begins; this decides who takes it."""
    if batch.start == 0:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(SpoolOffset).values(file=batch.file, offset=0).on_conflict_do_nothing())
    moved = update(SpoolOffset).where(SpoolOffset.file == batch.file, SpoolOffset.offset == batch.start)
    return cast("CursorResult[Any]", session.execute(moved.values(offset=batch.end))).rowcount == 1


def _forget_if_read(database: Database, file: SpoolFile, before: datetime) -> None:
    """Remove a file that is read to its end, and then its offset.

    In this order: an offset without a file is a line too many, a file without its offset would be counted again.
    """
    offset = _offsets(database).get(file.name)
    if offset is not None and file.remove_if_read(offset, before):
        with database.transaction() as session:
            session.execute(delete(SpoolOffset).where(SpoolOffset.file == file.name))
