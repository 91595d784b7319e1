"""CSV as it comes in: records with the line they begin on and the byte to go on from.

In charge of: what RFC 4180 says and what files do instead: quotes that are never closed, NUL bytes, endless cells, the
`sep=;` line of Excel. A bad record costs itself, never its neighbours. Flat memory. Not of: which encoding and
delimiter a file has (`sniffing.py`), nor what its cells mean.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flask_babel import gettext as _

# One cell of text may be as long as this; a quote that is open for longer will not be closed any more.
MAX_CELL = 131_072
# A bound, so that a file without any line break cannot fill the memory.
_LONGEST_LINE = 4 * MAX_CELL
# Bytes that are no letters (five in Windows-1252), and halves of UTF-16 pairs, become lone surrogates: they can be
# encoded again, so that positions stay true, and their record is refused.
_ERRORS = {"utf-8": "surrogateescape", "cp1252": "surrogateescape"}
_BAD = re.compile("[\0\ud800-\udfff]")


class UnreadableError(Exception):
    """The file ends here, whatever follows; the message is for the person who uploaded it."""


class Place(NamedTuple):
    """Between two records: how many bytes and how many lines lie before."""

    position: int = 0
    line: int = 0


class Record(NamedTuple):
    """Cells, or the reason why there are none. `line` is where it begins, `end` where the next one does."""

    line: int
    cells: list[str]
    raw: str
    end: Place
    problem: str | None = None


class Lines:
    """The lines of a file from a place on, each kept until its record is whole."""

    def __init__(self, file: Path, encoding: str, start: Place) -> None:
        stream = file.open("rb")
        stream.seek(start.position)
        self._text = io.TextIOWrapper(stream, encoding, _ERRORS.get(encoding, "surrogatepass"), newline="")
        self._encoding = encoding
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.place = start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def feed(self) -> Iterator[str]:
        """The same as iterating, at half the price."""
        waiting, take, read = self._waiting, self.taken.append, self._text.readline
        try:
            while line := waiting.popleft() if waiting else read(_LONGEST_LINE):
                take(line)
                yield line
        except UnicodeError as error:
            raise _broken_off() from error

    def settle(self, count: int | None = None) -> str:
        """The first `count` taken lines (default: all) were a record; the others will be read again."""
        count = len(self.taken) if count is None else count
        self._waiting.extendleft(reversed(self.taken[count:]))
        raw = "".join(self.taken[:count])
        # Only the last line of a file and endless ones have no break.
        breaks = sum([line[-1] in "\r\n" for line in self.taken[:count]])
        self.place = Place(self.place.position + self._bytes(raw), self.place.line + breaks)
        self.taken = []
        return raw

    def close(self) -> None:
        self._text.close()

    def _read(self) -> str:
        try:
            return self._text.readline(_LONGEST_LINE)
        except UnicodeError as error:
            raise _broken_off() from error

    def _bytes(self, text: str) -> int:
        if text.isascii() and not self._encoding.startswith("utf-16"):
            return len(text)
        return len(text.encode(self._encoding, _ERRORS.get(self._encoding, "surrogatepass")))


def _broken_off() -> UnreadableError:
    return UnreadableError(_("The file breaks off in the middle of a letter."))


_START = Place()


def records(file: Path, encoding: str, delimiter: str, start: Place = _START) -> Iterator[Record]:
    """Every record from `start` on, without empty ones; raise UnreadableError where decoding ends."""
    lines = Lines(file, encoding, start)
    csv.field_size_limit(MAX_CELL)
    try:
        # Strict: a quote out of place spoils its own line, where leniency would swallow those that follow.
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            record = next_record(reader, lines, delimiter)
            if record is None:
                return
            if record.problem or is_filled(record.cells):
                yield record
    finally:
        lines.close()


def is_filled(cells: list[str]) -> bool:
    """Whether a row says anything."""
    return any(cell and not cell.isspace() for cell in cells)


def next_record(reader: "Iterator[list[str]]", lines: Lines, delimiter: str) -> Record | None:
    """The record that begins here, whole or broken; None at the end of the file."""
    line = lines.place.line + 1
    try:
        cells = next(reader)
    except StopIteration:
        return None
    except csv.Error as error:
        return _broken(lines, str(error), delimiter)
    raw = lines.settle()
    return Record(line, cells, raw, lines.place, problem_of(raw))


def _broken(lines: Lines, error: str, delimiter: str) -> Record:
    """The record that csv choked on; where a quote was left open, only the lines up to that quote are lost."""
    line = lines.place.line + 1
    if "end of data" not in error and "field limit" not in error:
        raw = lines.settle()
        problem = _("A quotation mark stands in the middle of a cell. Inside quotes it has to be doubled.")
        return Record(line, [], raw, lines.place, problem)
    opened = _opening_line(lines.taken, delimiter)
    if opened is None:
        raw = lines.settle()
        return Record(line, [], raw, lines.place, _("A cell is longer than %(limit)s characters.", limit=MAX_CELL))
    raw = lines.settle(opened)
    problem = _("The quotation mark that opens in line %(line)s is never closed.", line=line + opened - 1)
    return Record(line, [], raw, lines.place, problem)


def _opening_line(taken: list[str], delimiter: str) -> int | None:
    """Which line (from 1) opened the quote that is still open at the end; None if none is."""
    opened, state = 0, "fresh"
    for number, line in enumerate(taken, 1):
        for letter in line:
            if letter == '"':
                opened = number if state == "fresh" else opened
                state = {"fresh": "quoted", "quoted": "closing", "closing": "quoted"}.get(state, state)
            elif state != "quoted":
                state = "fresh" if letter in delimiter + "\r\n" else "plain"
    return opened if state == "quoted" else None


def problem_of(raw: str) -> str | None:
    """What letters there are in a record that can be no letters."""
    found = _BAD.search(raw)
    if not found:
        return None
    if found[0] == "\0":
        return str(_("The row contains a NUL byte."))
    return str(_("The row contains bytes that are no letters in this encoding."))
