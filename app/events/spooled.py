"""A spool file as its reader sees it: whole records from an offset on, and those around them.

In charge of: bytes and lines. A line that is no record (the disk was full in the middle of it) is passed over with a
line in the log; one that has no end yet is left for later.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.events.buffer import SUFFIX, Record

log = logging.getLogger(__name__)

# How far to look around a batch for what belongs together with it: some 3,000 hits each way.
_REACH = 512 * 1024
_LINE = 512


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one file, the bytes they stand in, and the records just before and after them."""

    file: str
    start: int
    end: int
    records: list[Record]
    around: list[Record]


class SpoolFile:
    """One file of the spool folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def batch(self, start: int, limit: int, before: datetime) -> Batch:
        """Up to `limit` records from `start` on that are older than `before`."""
        with self.path.open("rb") as stream:
            before_it = max(0, start - _REACH)
            stream.seek(before_it)
            earlier = stream.read(start - before_it)
            content = stream.read(limit * _LINE + _REACH)
        end = 0
        records: list[Record] = []
        later: list[Record] = []
        until = int(before.timestamp() * 1000)
        for size, record in _parsed(content):
            if later or len(records) == limit or (record is not None and record[0] >= until):
                later += [record] if record is not None else []
                continue
            end += size
            records += [record] if record is not None else []
        return Batch(self.name, start, start + end, records, [*_stretch(earlier, before_it), *records, *later])

    def around(self, offset: int) -> list[Record]:
        """The records on both sides of `offset`; none if the file is gone."""
        try:
            with self.path.open("rb") as stream:
                start = max(0, offset - _REACH)
                stream.seek(start)
                return _stretch(stream.read(2 * _REACH), start)
        except FileNotFoundError:
            return []

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


def spool_files(folder: Path) -> list[SpoolFile]:
    """The files that wait, in order of name."""
    return [SpoolFile(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]


def _parsed(content: bytes) -> Iterator[tuple[int, Record | None]]:
    """Each whole line as its size and its record, None where it is none."""
    for line in content.split(b"\n")[:-1]:
        yield len(line) + 1, _record(line)


def _stretch(content: bytes, start: int) -> list[Record]:
    """The whole records of a stretch; one that does not begin the file begins in the middle of a line."""
    if start:
        content = content.partition(b"\n")[2]
    return [record for _size, record in _parsed(content) if record is not None]


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, list) and record and isinstance(record[0], int):
        return record
    if line:
        log.warning("a spooled record of %d bytes is not readable", len(line))
    return None
