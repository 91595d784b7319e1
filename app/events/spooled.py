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
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from app.events.buffer import SUFFIX, Record

log = logging.getLogger(__name__)

_PIECE = 1 << 18
_FIRST = itemgetter(0)
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
        """Records from `start` on that are older than `before`, of `limit` lines each; of half a minute at most."""
        lines, records = self._waiting(start, int(before.timestamp() * 1000))
        found = []
        for first in range(0, len(lines), limit):
            own = lines[first : first + limit]
            end = start + sum(map(len, own)) + len(own)
            found.append(Batch(self.name, start, end, [each for each in records[first : first + limit] if each]))
            start = end
        return found

    def _waiting(self, start: int, until: int) -> tuple[list[bytes], list[Record | None]]:
        lines: list[bytes] = []
        records: list[Record | None] = []
        first: int | None = None
        for more, read in self._from(start):
            if first is None:
                first = next((each[0] for each in read if each), None)
                until = until if first is None else min(until, first + _SPAN)
            late = next((place for place, each in enumerate(read) if each and each[0] >= until), len(read))
            late = min(late, _MOST - len(lines))
            lines += more[:late]
            records += read[:late]
            if late < len(read):
                break
        return lines, records

    def between(self, first: int, last: int, read: Sequence[Batch] = (), mark: bytes = b"") -> Iterator[Record]:
        """The records of these milliseconds, both included; none if the file is gone.

        `read` are batches of this file, one behind the other, that need not be read again. Of all others only those are
        looked at whose line holds `mark`.
        """
        try:
            start = self._seek(first - _DISORDER)
        except FileNotFoundError:
            return
        begin, end = (read[0].start, read[-1].end) if read else (start, start)
        before = self._marked(start, begin, last, mark) if start < begin else ()
        behind = self._marked(max(start, end), None, last, mark)
        for records in (before, *(batch.records for batch in read), behind):
            yield from [record for record in records if first <= record[0] <= last]

    def _marked(self, start: int, stop: int | None, last: int, mark: bytes) -> Iterator[Record]:
        """Those that begin in these bytes, until the time is surely over."""
        for _lines, records in self._from(start, stop, mark):
            yield from filter(None, records)
            if any(each and each[0] > last + _DISORDER for each in records):
                return

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

    def _from(
        self, start: int, stop: int | None = None, mark: bytes = b""
    ) -> Iterator[tuple[list[bytes], list[Record | None]]]:
        """The whole lines from an offset on that hold `mark`, and the record of each, None where it is none."""
        with self.path.open("rb") as stream:
            stream.seek(start)
            rest = b""
            while piece := stream.read(_PIECE if stop is None else min(_PIECE, stop - stream.tell())):
                *lines, rest = (rest + piece).split(b"\n")
                lines = [line for line in lines if mark in line] if mark else lines
                yield lines, _parsed(lines)

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
    if len(records) == len(lines) and _are_records(records):
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


def _are_records(values: list[Any]) -> bool:
    """Looked at as columns, which is five times as fast."""
    return set(map(type, values)) <= {list} and all(values) and set(map(type, map(_FIRST, values))) <= {int}


def _is_record(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], int)
