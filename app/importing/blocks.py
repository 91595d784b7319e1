"""Many records at a time: what `records` gives one by one, at a tenth of its price.

The csv module reads on by itself until something is wrong; that record alone is then read as `reading.py` does. In
charge of: that both give the same. Not of: what is wrong with a record (`reading.py`).
"""

import csv
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple

from app.importing.reading import MAX_CELL, Lines, Place, UnreadableError, is_filled, next_record, problem_of


class Block(NamedTuple):
    """Records side by side: cells, the line each begins on, its text; `problems` by place, where cells are no good.

    `end` is the place to go on from, unless the file ended (`is_last`); `error` says why that was before its time.
    """

    cells: list[list[str]]
    lines: list[int]
    raws: list[str]
    problems: dict[int, str]
    end: Place
    is_last: bool = True
    error: str | None = None

    def add(self, cells: list[str], line: int, raw: str, problem: str | None = None) -> None:
        """One record more, unless it says nothing."""
        if problem:
            self.problems[len(self.cells)] = problem
        if problem or is_filled(cells):
            self.cells.append(cells)
            self.lines.append(line)
            self.raws.append(raw)


def read_block(file: Path, encoding: str, delimiter: str, start: Place, size: int) -> Block:
    """The records from `start` on, without empty ones: `size` of them, or fewer where some were empty."""
    csv.field_size_limit(MAX_CELL)
    lines = Lines(file, encoding, start)
    block = Block([], [], [], {}, start)
    is_last, error = False, None
    try:
        while len(block.cells) < size and not is_last:
            read, broke = _stretch(lines, delimiter, size - len(block.cells), block)
            if broke:
                record = next_record(csv.reader(lines, delimiter=delimiter, strict=True), lines, delimiter)
                if record:
                    block.add(record.cells, record.line, record.raw, record.problem)
            else:
                is_last = not read
    except UnreadableError as unreadable:
        error = str(unreadable)
    finally:
        lines.close()
    return block._replace(end=lines.place, is_last=is_last or error is not None, error=error)


def _stretch(lines: Lines, delimiter: str, size: int, block: Block) -> tuple[bool, bool]:
    """Up to `size` records, none of them broken; whether there were any, and whether something is wrong behind them."""
    reader = csv.reader(lines.feed(), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    broke = False
    try:
        for cells in islice(reader, size):
            rows.append(cells)
            ends.append(reader.line_num)
    except (csv.Error, UnreadableError):
        broke = True
    _keep(lines, rows, ends, block)
    return bool(rows), broke


def _keep(lines: Lines, rows: list[list[str]], ends: list[int], block: Block) -> None:
    taken, before = lines.taken, lines.place.line
    is_clean = _is_clean(lines.settle(ends[-1] if ends else 0))
    # Nearly always each record is a line, and says something in its first cell.
    is_lines = rows and len(rows) == ends[-1] == lines.place.line - before
    if is_clean and is_lines and all(map(str.strip, [cells[0] if cells else "" for cells in rows])):
        block.cells.extend(rows)
        block.lines.extend(range(before + 1, before + 1 + len(rows)))
        block.raws.extend(taken[: len(rows)])
        return
    numbers = [*accumulate([line.endswith(("\n", "\r")) for line in taken], initial=before + 1)]
    for cells, start, end in zip(rows, [0, *ends[:-1]], ends, strict=False):
        raw = "".join(taken[start:end])
        block.add(cells, numbers[start], raw, None if is_clean else problem_of(raw))


def _is_clean(text: str) -> bool:
    """No NUL byte and no half letters: looked for in all records at once, for there are hardly ever any."""
    if "\0" in text:
        return False
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True
