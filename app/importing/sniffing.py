"""Which encoding, delimiter and header a file has.

In charge of: looking, in a stream and over the whole file where a beginning proves nothing (a file may be ASCII for a
megabyte before its first umlaut). Not of: reading it (`reading.py`) or knowing what a column means (`columns.py`).
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from flask_babel import gettext as _

from app.importing.reading import Lines, Place, Record, UnreadableError, records

DELIMITERS = (",", ";", "\t")
_CHUNK = 1 << 20
_PROBE = 1 << 16
_PROBE_RECORDS = 30
# An xlsx is a ZIP, an xls an OLE file.
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# What stands in no text; one byte in twenty of a picture or a program.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_LONE = re.compile("[\udc80-\udcff]")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Excel's own hint in the first line.
_SEP = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
# What a header never holds: an address, a number, a date.
_DATUM = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[€$£]?\s*[-+(]?\d[\d.,/:\-\sTZ]*\)?\s*([A-Z]{3}|[€$£])?")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: its columns' names, and the place where its rows begin."""

    encoding: str
    delimiter: str
    header: list[str]
    start: Place


def sniff(file: Path) -> Layout:
    """Look at a file; raise UnreadableError if there is no row in it."""
    encoding, start = _encoding(file)
    _refuse_foreign(file, encoding)
    hinted = _separator_line(file, encoding, Place(start))
    delimiter, begin = hinted or (_delimiter(file, encoding, Place(start)), Place(start))
    first = list(islice(records(file, encoding, delimiter, begin), 2))
    if not first:
        raise UnreadableError(_("The file is empty."))
    if _is_header(first):
        return Layout(encoding, delimiter, _names(first[0].cells), first[0].end)
    return Layout(encoding, delimiter, _names([""] * len(first[0].cells)), begin)


def samples(file: Path, layout: Layout, count: int = 5) -> list[Record]:
    """The first rows, for people to see what a column holds."""
    found = records(file, layout.encoding, layout.delimiter, layout.start)
    return list(islice((record for record in found if not record.problem), count))


def _refuse_foreign(file: Path, encoding: str) -> None:
    """Say what a file is that is no CSV, before it is taken for one with strange columns."""
    with file.open("rb") as stream:
        head = stream.read(_PROBE)
    if head.startswith(_SPREADSHEETS):
        raise UnreadableError(_("This is a spreadsheet, not a CSV file. Save it as CSV and upload that file."))
    strange = len(head) - len(head.translate(None, _CONTROLS))
    if head.startswith(_UTF32) or (not encoding.startswith("utf-16") and strange > len(head) / 20 and strange > 8):
        raise UnreadableError(_("This is not a text file that we can read. Save it as CSV in UTF-8."))


def _encoding(file: Path) -> tuple[str, int]:
    with file.open("rb") as stream:
        head = stream.read(_PROBE)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding if encoding != "utf-8" or _is_utf8(file) else "cp1252", len(bom)
    return _by_nuls(head) or ("utf-8" if _is_utf8(file) else "cp1252"), 0


def _by_nuls(head: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of Latin letters is NUL. A stray NUL is no pattern."""
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _is_utf8(file: Path) -> bool:
    """More letters than stray bytes: a byte that broke spoils its row, and not every umlaut of the file."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = stray = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            text = decoder.decode(chunk)
            if not text.isascii():
                lone = len(_LONE.findall(text))
                letters, stray = letters + len(text) - len(text.encode("ascii", "ignore")) - lone, stray + lone
    stray += len(decoder.decode(b"", final=True))
    return letters > stray or stray == 0


def _separator_line(file: Path, encoding: str, start: Place) -> tuple[str, Place] | None:
    lines = Lines(file, encoding, start)
    try:
        hint = _SEP.fullmatch(next(lines, ""))
        lines.settle()
    finally:
        lines.close()
    return (hint[1], lines.place) if hint else None


def _delimiter(file: Path, encoding: str, start: Place) -> str:
    """The one that cuts the first rows into the same number of cells; of several, into the most."""
    with file.open("rb") as stream:
        stream.seek(start.position)
        text = stream.read(_PROBE).decode(encoding, "ignore")
    lines = text.splitlines(keepends=True)
    whole = lines[:-1] if len(lines) > 1 and len(text) >= _PROBE // 2 else lines
    return max(DELIMITERS, key=lambda delimiter: _consistency(whole, delimiter))


def _consistency(lines: list[str], delimiter: str) -> tuple[float, int]:
    widths: Counter[int] = Counter()
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        widths.update(len(cells) for cells in islice(reader, _PROBE_RECORDS) if cells)
    except csv.Error:
        return 0.0, 0
    widths.pop(1, None)
    if not widths:
        return 0.0, 0
    width, often = max(widths.items(), key=lambda item: (item[1], item[0]))
    return often / _PROBE_RECORDS, width


def _is_header(first: Sequence[Record]) -> bool:
    """Names, and none of them a value."""
    named = [cell.strip() for cell in first[0].cells if cell.strip()]
    return bool(named) and not any(_DATUM.fullmatch(cell) for cell in named)


def _names(cells: Sequence[str]) -> list[str]:
    """The header with numbers for nameless columns."""
    titles = [_NO_TEXT.sub("", cell).strip()[:200] for cell in cells]
    return [title or _("Column %(number)s", number=number) for number, title in enumerate(titles, 1)]
