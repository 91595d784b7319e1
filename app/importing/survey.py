"""Asks a whole column how it is written, before a single row is taken.

`03/04/2026` or `1.234` alone prove nothing; `13/04/2026` or `1.234,50` elsewhere in the column do. Not in charge of:
what a cell proves (`values.py`).
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from sqlalchemy.orm import Session

from app.feature import house
from app.importing.blocks import Block, read_block
from app.importing.importer import Importer, Writing
from app.importing.models import Import
from app.importing.reading import Place
from app.importing.values import date_evidence, number_evidence, only_one

_EVIDENCE = {Writing.DATES: date_evidence, Writing.NUMBERS: number_evidence}
# What a number proves is the same whichever digits it has, but for zeros: a hundred shapes stand for all amounts.
_SHAPE = str.maketrans("23456789", "11111111")
_RECORDS = 10_000


def survey(session: Session, import_: Import, file: Path) -> dict[str, str]:
    """Column number → date order or decimal sign, for those whose cells agree on one."""
    importer: Importer = house().importers[import_.kind]
    writing = {column.name: column.writing for column in importer.columns(session)}
    asked = {int(number): writing[name] for number, name in import_.mapping.items() if writing.get(name) in _EVIDENCE}
    proofs: dict[int, set[StrEnum | None]] = {number: set() for number in asked}
    for block in _blocks(import_, file) if asked else ():
        for number, way in asked.items():
            # The same days and amounts come again and again.
            cells = {cells[number] for cells in block.cells if number < len(cells)}
            shapes = {cell.translate(_SHAPE) for cell in cells} if way is Writing.NUMBERS else cells
            proofs[number].update(map(_EVIDENCE[way], shapes))
    found = {str(number): only_one(each) for number, each in proofs.items()}
    return {number: answer.value for number, answer in found.items() if answer}


def _blocks(import_: Import, file: Path) -> Iterator[Block]:
    """The whole file; where it cannot be read on, the run comes to the same place and says so."""
    place, is_last = Place(import_.start_position, import_.start_line), False
    while not is_last:
        block = read_block(file, import_.encoding, import_.delimiter, place, _RECORDS)
        place, is_last = block.end, block.is_last
        yield block
