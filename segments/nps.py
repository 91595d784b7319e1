"""The groups of the net promoter question, "how likely are you to recommend us?", answered from 0 to 10.

In charge of where the groups begin, in Python and in SQL, and of which answer is somebody's latest. The score that is
made of them is a formula like any other (`segments.kpi`).
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func

from segments.label import Label

HIGHEST = 10
# Reichheld, The One Number You Need to Grow, Harvard Business Review, December 2003.
_BORDERS = {"promoter": (9, 10), "passive": (7, 8), "detractor": (0, 6)}
# A moment and an answer as one number that rises with the moment: more than there are answers.
_PACK = 16


class NpsGroup(StrEnum):
    """What an answer makes of somebody."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"

    @property
    def label(self) -> Label:
        return _LABELS[self]

    def has(self, answer: ColumnElement[Any]) -> ColumnElement[bool]:
        """The condition that an answer is of this group; NULL of an unknown one."""
        low, high = _BORDERS[self.value]
        return and_(answer >= low, answer <= high)


_LABELS = {
    NpsGroup.PROMOTER: Label("promoter", "Promotor"),
    NpsGroup.PASSIVE: Label("passive", "Passiver"),
    NpsGroup.DETRACTOR: Label("detractor", "Detraktor"),
}


def group_of(answer: int) -> NpsGroup:
    """The group of an answer; ValueError where it is none."""
    for group in NpsGroup:
        low, high = _BORDERS[group.value]
        if low <= answer <= high:
            return group
    raise ValueError("an answer is from 0 to 10")


def group_case(answer: ColumnElement[Any]) -> ColumnElement[str]:
    """The same in SQL, NULL of an unknown answer."""
    return case(*((group.has(answer), group.value) for group in NpsGroup))


def latest(second: ColumnElement[Any], answer: ColumnElement[Any]) -> ColumnElement[int]:
    """The latest of many answers and when it was given, as one number; of two at one second the higher counts."""
    return func.max(second * _PACK + answer)


def latest_answer(packed: ColumnElement[int]) -> ColumnElement[int]:
    """The answer in what `latest` gave."""
    return packed % _PACK


def latest_second(packed: ColumnElement[int]) -> ColumnElement[int]:
    """The second in what `latest` gave."""
    return packed // _PACK
