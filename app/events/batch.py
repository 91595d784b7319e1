"""A batch of new events as features see it: columns, not rows.

What becomes of a hit is decided a few times per second for thousands of them; an object for each would take longer than
to write it down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class NewEvents:
    """Columns of one length, named as those of Event, with values as the database keeps them.

    `occurred_at` is in seconds since 1970, `verdict` a place in `Verdict`, `value` what the kind's `measure` says.
    """

    id: Sequence[int]
    kind: Sequence[int]
    subscriber_id: Sequence[int]
    occurred_at: Sequence[int]
    campaign_id: Sequence[int | None]
    value: Sequence[int | None]
    verdict: Sequence[int | None]
    kinds: frozenset[int] = field(init=False)
    people: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Say once which kinds there are, and whom they are about, in the order of ids."""
        self.kinds, self.people = frozenset(self.kind), sorted(set(self.subscriber_id))

    def of(self, code: int, *names: str) -> list[tuple[Any, ...]]:
        """These columns of the events of a kind, as rows."""
        if code not in self.kinds:
            return []
        columns = zip(*(getattr(self, name) for name in names), strict=True)
        return [row for kind, row in zip(self.kind, columns, strict=True) if kind == code]
