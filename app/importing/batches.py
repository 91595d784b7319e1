"""The batches of a file: read, typed, with what came before, and what has two meanings settled by the whole file.

No database is asked, so that a second process can do it (`ahead.py`). Not in charge of: what becomes of a batch
(`run.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from flask_babel import gettext as _

from app.importing.blocks import Block, read_block
from app.importing.cells import Mapped, read_rows
from app.importing.importer import Importer, Reject, Rows
from app.importing.reading import Place
from app.importing.repeats import Repeats
from app.importing.survey import survey

# Of the whole file at a time, for a survey.
_RECORDS = 10_000


class Batch(NamedTuple):
    """Rows from `start` on, and those that cannot be taken.

    `is_last` says that the file ended, `error` that it did before its time. `formats` are what had to be found out by
    asking whole columns: column number → date order or decimal sign.
    """

    start: Place
    rows: Rows
    rejects: list[Reject]
    end: Place
    is_last: bool
    error: str | None
    formats: Mapping[str, str]


@dataclass
class File:
    """A file, how it is written, where its rows begin and what its columns are; batches are quickest in their order."""

    path: Path
    encoding: str
    delimiter: str
    width: int
    first: Place
    columns: Mapped
    importer: Importer
    _formats: dict[str, str] = field(default_factory=dict)
    _repeats: Repeats | None = None
    _place: Place | None = None

    def batch(self, start: Place, size: int) -> Batch:
        """The batch that begins here; what stands before is read, too, if it was not just now."""
        if self._repeats is None or self._place != start:
            self._repeats = self._before(start, size)
        batch = self._read(start, size)
        batch.rows.repeats = self._repeats.count(self.importer.keys(batch.rows), batch.rows.lines)
        self._place = batch.end
        return batch

    def _before(self, end: Place, size: int) -> Repeats:
        """What stands before this place."""
        repeats, place, is_last = Repeats(), self.first, False
        while place.position < end.position and not is_last:
            batch = self._read(place, size)
            rows = batch.rows.only([n for n, line in enumerate(batch.rows.lines) if line <= end.line])
            repeats.count(self.importer.keys(rows), rows.lines)
            place, is_last = batch.end, batch.is_last
        return repeats

    def _read(self, start: Place, size: int) -> Batch:
        try:
            block = read_block(self.path, self.encoding, self.delimiter, start, size)
        except FileNotFoundError:
            block = Block([], [], [], {}, start, error=_("The uploaded file is gone. Upload it again."))
        rows, rejects = read_rows(block, self.columns, self.width)
        if any(meanings.is_unclear for _number, _column, meanings in self.columns):
            self._formats |= survey(self.columns, self._blocks())
            rows, rejects = read_rows(block, self.columns, self.width)
        rows = self.importer.prepare(rows)
        return Batch(start, rows, rejects, block.end, block.is_last, block.error, self._formats)

    def _blocks(self) -> Iterator[Block]:
        """The whole file; where it cannot be read on, `_read` comes to the same place and says so."""
        place, is_last = self.first, False
        while not is_last:
            block = read_block(self.path, self.encoding, self.delimiter, place, _RECORDS)
            place, is_last = block.end, block.is_last
            yield block
