"""The batches of a file: read, typed, and each row with what tells it from others.

No database is asked, so that a second process can do it (`ahead.py`). Not in charge of: what becomes of a batch
(`run.py`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from flask_babel import gettext as _

from app.importing.blocks import Block, read_block
from app.importing.cells import Mapped, read_rows
from app.importing.importer import Importer, Reject, Rows
from app.importing.reading import Place
from app.importing.repeats import hashes


class Batch(NamedTuple):
    """Rows from `start` on, the hash of what each is about, and those that cannot be taken.

    `is_last` says that the file ended, `error` that it did before its time.
    """

    start: Place
    rows: Rows
    keys: Sequence[int]
    rejects: list[Reject]
    end: Place
    is_last: bool
    error: str | None


class File(NamedTuple):
    """A file, how it is written and what its columns are."""

    path: Path
    encoding: str
    delimiter: str
    width: int
    columns: Mapped
    importer: Importer

    def batch(self, start: Place, size: int) -> Batch:
        """The batch that begins here."""
        try:
            block = read_block(self.path, self.encoding, self.delimiter, start, size)
        except FileNotFoundError:
            block = Block([], [], [], {}, start, error=_("The uploaded file is gone. Upload it again."))
        rows, rejects = read_rows(block, self.columns, self.width)
        rows = self.importer.prepare(rows)
        keys = hashes(self.importer.keys(rows))
        return Batch(start, rows, keys, rejects, block.end, block.is_last, block.error)
