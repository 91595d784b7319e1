"""The ladder of engagement: new, active, cooling, sleeping, lost.

In charge of which rung somebody stands on, given how long she has been here and how long she has been silent. What
counts as doing something is for the report that asks.
"""

from dataclasses import dataclass
from enum import StrEnum


class Rung(StrEnum):
    """From the top down; `new` are those who have come lately and done nothing yet."""

    NEW = "new"
    ACTIVE = "active"
    COOLING = "cooling"
    SLEEPING = "sleeping"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The borders in days: a rung holds until its days are over. Raises ValueError unless they rise."""

    new: int = 30
    active: int = 90
    cooling: int = 180
    sleeping: int = 365

    def __post_init__(self) -> None:
        if self.new < 1 or not 1 <= self.active < self.cooling < self.sleeping:
            raise ValueError("the borders of the ladder must rise")


def rung(ladder: Ladder, here: float, silent: float | None, *, has_left: bool) -> Rung:
    """Where somebody stands who came `here` days ago and did something `silent` days ago (None: never did anything).

    Who never did anything is silent since she came. Who did something within `active` days is active, however new; a
    customer who is brought in long after her last purchase is as silent as she was; who has left is lost, whatever she
    did.
    """
    if has_left:
        return Rung.LOST
    if silent is not None and silent < ladder.active:
        return Rung.ACTIVE
    if silent is None and here < ladder.new:
        return Rung.NEW
    quiet = here if silent is None else silent
    if quiet < ladder.cooling:
        return Rung.COOLING
    return Rung.SLEEPING if quiet < ladder.sleeping else Rung.LOST
