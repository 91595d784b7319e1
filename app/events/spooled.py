"""A spool file as its reader sees it: whole records from an offset on, and those of a stretch of time.

In charge of: bytes and lines. A line that is no record (the disk was full in the middle of it) is passed over with a
line in the log; one that has no end yet is left for later.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from app.events.buffer import SUFFIX, Record

log = logging.getLogger(__name__)

_PIECE = 1 << 20
# So many records are read at a time at most, and of so many milliseconds.
_MOST, _SPAN = 20_000, 30_000
# The threads of a process write in the order of time but for some milliseconds.
_DISORDER = 1_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one file and the bytes they stand in."""

    file: str
    start: int
    end: int
    records: list[Record]


class SpoolFile:
    """One file of the spool folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def batches(self, start: int, limit: int, before: datetime) -> list[Batch]:
        """Records from `start` on that are older than `before`, `limit` to a batch; of half a minute at most."""
        until, first = int(before.timestamp() * 1000), None
        found: list[Batch] = []
        records: list[Record] = []
        begin = end = start
        for size, record in islice(self._from(start), _MOST):
            if record is not None:
                first = record[0] if first is None else first
                if record[0] >= min(until, first + _SPAN):
                    break
                records.append(record)
            end += size
            if len(records) == limit:
                found.append(Batch(self.name, begin, end, records))
                begin, records = end, []
        return [*found, Batch(self.name, begin, end, records)] if end > begin else found

    def between(self, first: int, last: int, read: Sequence[Batch] = ()) -> Iterator[Record]:
        """The records of these milliseconds, both included; none if the file is gone.

        `read` are batches of this file, one behind the other, that need not be read again.
        """
        try:
            start = self._seek(first - _DISORDER)
        except FileNotFoundError:
            return
        begin, end = (read[0].start, read[-1].end) if read else (start, start)
        before, behind = self._records(start, begin, last), self._records(max(start, end), None, last)
        found = chain(before, *(batch.records for batch in read), behind)
        yield from (record for record in found if first <= record[0] <= last)

    def _records(self, start: int, stop: int | None, last: int) -> Iterator[Record]:
        """Those that begin in these bytes, until the time is surely over."""
        for size, record in self._from(start):
            if (stop is not None and start >= stop) or (record is not None and record[0] > last + _DISORDER):
                return
            start += size
            if record is not None:
                yield record

    def remove_if_read(self, offset: int, before: datetime) -> bool:
        """Delete the file if `offset` is its end and nobody wrote to it since `before`.

        Its writer notices and begins another.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            found = os.fstat(descriptor)
            if found.st_size != offset or found.st_mtime >= before.timestamp():
                return False
            self.path.unlink(missing_ok=True)
            return True
        finally:
            os.close(descriptor)

    def _from(self, start: int) -> Iterator[tuple[int, Record | None]]:
        """Each whole line from an offset on, as its size and its record, None where it is none."""
        with self.path.open("rb") as stream:
            stream.seek(start)
            rest = b""
            while piece := stream.read(_PIECE):
                *lines, rest = (rest + piece).split(b"\n")
                yield from zip((len(line) + 1 for line in lines), _parsed(lines), strict=True)

    def _seek(self, moment: int) -> int:
        """Where the records of a time begin, or a little before: they are in the order of time."""
        with self.path.open("rb") as stream:
            low, high = 0, os.fstat(stream.fileno()).st_size
            while high - low > _PIECE // 16:
                middle = (low + high) // 2
                at, found = _next_line(stream, middle)
                if found is not None and found < moment:
                    low = at
                else:
                    high = middle
        return low


def spool_files(folder: Path) -> list[SpoolFile]:
    """The files that wait, in order of name."""
    return [SpoolFile(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]


def _next_line(stream: BinaryIO, offset: int) -> tuple[int, int | None]:
    """Where the next whole line begins, and its moment; None if it is no record."""
    stream.seek(offset)
    at = offset + len(stream.readline())
    record = _record(stream.readline(_PIECE), quietly=True)
    return at, record[0] if record else None


def _parsed(lines: Sequence[bytes]) -> list[Record | None]:
    """All lines at once, which takes half the time; one by one only if something is wrong with any of them."""
    try:
        records = json.loads(b"[%s]" % b",".join(lines))
    except ValueError:
        records = []
    if len(records) == len(lines) and all(map(_is_record, records)):
        return list(records)
    return [_record(line) for line in lines]


def _record(line: bytes, *, quietly: bool = False) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if _is_record(record):
        return list(record)
    if line and not quietly:
        log.warning("a spooled record of %d bytes is not readable", len(line))
    return None


def _is_record(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], int)
