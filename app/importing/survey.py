"""Asks a whole column how it is written, as soon as one of its cells may mean two things.

`03/04/2026` or `1.234` alone prove nothing; `13/04/2026` or `1.234,50` elsewhere in the column do. Not in charge of:
what a cell proves (`values.py`).
"""

from collections.abc import Iterable
from enum import StrEnum

from app.importing.blocks import Block
from app.importing.cells import Mapped
from app.importing.importer import Writing
from app.importing.values import date_evidence, number_evidence, only_one

_EVIDENCE = {Writing.DATES: date_evidence, Writing.NUMBERS: number_evidence}
# What a number proves is the same whichever digits it has, but for zeros: a hundred shapes stand for all amounts.
_SHAPE = str.maketrans("23456789", "11111111")


def survey(columns: Mapped, blocks: Iterable[Block]) -> dict[str, str]:
    """Settle the columns that are unclear: column number → date order or decimal sign, where its cells agree."""
    asked = {number: _EVIDENCE[column.writing] for number, column, meanings in columns if meanings.is_unclear}
    proofs: dict[int, set[StrEnum | None]] = {number: set() for number in asked}
    for block in blocks:
        for number, evidence in asked.items():
            # The same days and amounts come again and again.
            cells = {cells[number] for cells in block.cells if number < len(cells)}
            shapes = {cell.translate(_SHAPE) for cell in cells} if evidence is number_evidence else cells
            proofs[number].update(map(evidence, shapes))
    found = {number: only_one(each) for number, each in proofs.items()}
    for number, _column, meanings in columns:
        if number in found:
            meanings.settle(found[number])
    return {str(number): answer.value for number, answer in found.items() if answer}
