"""What came of mails that were claimed, as it is collected between two writings of the ledger.

Not in charge of: what it means for a Delivery (`ledger.py`).
"""

from dataclasses import dataclass, field
from datetime import datetime

from app.delivery.batch import SkipReason
from app.transport import Outcome


@dataclass(frozen=True, slots=True)
class Reply:
    """The final word on one mail that was not accepted, at its `attempts`-th try."""

    subscriber_id: int
    outcome: Outcome
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail that could not be made for this person."""

    subscriber_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A mail handed over at `at` by a sender that died; None where nobody knows when."""

    subscriber_id: int
    at: datetime | None


@dataclass(slots=True)
class Results:
    """What a batch came to, by subscriber: `accepted` under the second in which they were, `untried` were claimed and
    not begun.
    """

    accepted: dict[datetime, list[int]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    untried: list[int] = field(default_factory=list)
    skipped: list[tuple[int, SkipReason]] = field(default_factory=list)
    doubtful: list[Doubt] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accepted or self.replies or self.failures or self.untried or self.skipped or self.doubtful)

    def accept(self, subscriber_id: int, second: datetime) -> None:
        """The next hop has it."""
        self.accepted.setdefault(second, []).append(subscriber_id)

    @property
    def accepted_count(self) -> int:
        """How many the next hop has taken."""
        return sum(map(len, self.accepted.values()))
