"""What came of a trial, judged by what the mail server accepted: never by the ledger, which is compared with it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.campaigns.models import Campaign
from app.db import reading
from app.delivery.books import Books, books
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Subscriber
from bench.sink_log import Audit, read_log
from bench.sink_process import SinkProcess

_COLUMNS = ("audience", 9), ("accepted", 10), ("lost", 6), ("doubled", 9), ("unknown", 9), ("seed", 6), ("seconds", 9)
HEAD = f"{'':<14}{'database':<11}" + "".join(f"{name:>{width}}" for name, width in _COLUMNS)
# They were told that she is not reached, and why.
_TOLD = {DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.SKIPPED}
_WAITING = {DeliveryState.QUEUED, DeliveryState.IN_FLIGHT, DeliveryState.DEFERRED}


@dataclass(slots=True)
class Verdict:
    """One line of the table. `problems` are sentences; none means that the promise was kept."""

    question: str
    database: str = ""
    audience: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    unknown: int = 0
    seed: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.problems

    def expect(self, holds: bool, sentence: str) -> None:
        """Note a problem unless it holds."""
        if not holds:
            self.problems.append(sentence)

    def __str__(self) -> str:
        numbers = f"{self.audience:>9,}{self.accepted:>10,}{self.lost:>6,}{self.doubled:>9,}{self.unknown:>9,}"
        end = "PASS" if self.passed else "FAIL: " + "; ".join(self.problems)
        notes = f"  ({'; '.join(self.notes)})" if self.notes else ""
        return f"{self.question:<14}{self.database:<11}{numbers}{self.seed:>6}{self.seconds:>9.1f}  {end}{notes}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the database says of one campaign: addresses by state, those possibly mailed twice, and the books."""

    by_state: dict[DeliveryState, set[str]]
    repeated: set[str]
    books: Books

    @property
    def told(self) -> set[str]:
        """Those of whom it says that they were not reached."""
        return self._in(_TOLD)

    @property
    def waiting(self) -> set[str]:
        """Those whose turn is still to come."""
        return self._in(_WAITING)

    def _in(self, states: set[DeliveryState]) -> set[str]:
        return set[str]().union(*(self.by_state[state] for state in states))


def ledger(campaign_id: int) -> Ledger:
    """Read it."""
    by_state: dict[DeliveryState, set[str]] = defaultdict(set)
    repeated = set()
    query = select(Subscriber.email, Delivery.state, Delivery.repeats).join(
        Delivery, Delivery.subscriber_id == Subscriber.id
    )
    with reading() as session:
        for address, state, repeats in session.execute(query.where(Delivery.campaign_id == campaign_id)):
            by_state[state].add(address)
            if repeats:
                repeated.add(address)
        return Ledger(by_state, repeated, books(session, campaign_id))


def judge(verdict: Verdict, sink: SinkProcess, campaign_id: int, *, most_doubled: int = 0) -> tuple[Audit, Ledger]:
    """Compare what was accepted with the ledger of a campaign that has ended, and fill in the verdict."""
    taken, written = sink.audit(), ledger(campaign_id)
    sent, unknown = written.by_state[DeliveryState.SENT], written.by_state[DeliveryState.UNKNOWN]
    everybody = set[str]().union(*written.by_state.values())
    verdict.accepted, verdict.doubled, verdict.unknown = taken.accepted, taken.doubled, len(unknown)
    lost = everybody - taken.times.keys() - unknown - written.told - written.waiting
    verdict.lost = len(lost)
    expect = verdict.expect
    expect(len(everybody) == verdict.audience, f"the ledger has {len(everybody)} people")
    expect(not lost, f"lost without a word, for example {min(lost, default='')}")
    expect(written.books.balanced, f"the books do not balance: {written.books}")
    expect(written.books.left == 0, f"{written.books.left} are left")
    false = sent - taken.times.keys()
    expect(not false, f"{len(false)} are called sent and were not accepted")
    forgotten = taken.times.keys() - sent - unknown - written.told
    expect(not forgotten, f"{len(forgotten)} were accepted and are not in the ledger")
    expect(verdict.doubled <= most_doubled, f"at most {most_doubled} may be doubled")
    silent = taken.twice - written.repeated
    expect(not silent, f"{len(silent)} doubles are not listed")
    changed = [address for address, ids in _message_ids(sink) if len(ids) > 1]
    expect(not changed, f"{len(changed)} doubles have another Message-ID")
    return taken, written


def _message_ids(sink: SinkProcess) -> Iterator[tuple[str, set[str]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for mail in read_log(sink.log):
        found[mail.recipient].add(mail.message_id)
    yield from found.items()


def campaign_of(campaign_id: int) -> Campaign:
    """Its row as it is now."""
    with reading() as session:
        return session.get_one(Campaign, campaign_id)


def count(*conditions: Any) -> int:
    """How many deliveries are so."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Delivery).where(*conditions)) or 0
