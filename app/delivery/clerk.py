"""The sender's clerk: while mails are handed over, a thread of its own does all that has to do with the database.

It brings results into the ledger and claims the next batch in one transaction, then fetches what is to be said to
those people, so that the sending thread never waits for the database. A database that is away is waited for as long as
the shard is surely ours. Not in charge of: composing and handing over (`pipeline.py`).
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from flask import current_app
from sqlalchemy.exc import DBAPIError

from app.campaigns.models import Campaign
from app.db import utc_now
from app.delivery.batch import SkipReason, Taken, take_batch
from app.delivery.desk import Desk
from app.delivery.journal import Journal, Stretch
from app.delivery.ledger import write
from app.delivery.message import Person, people
from app.delivery.results import Failure, Reply, Results
from app.delivery.watch import Watch

log = logging.getLogger(__name__)

T = TypeVar("T")

# Results wait no longer than this for the ledger, however slow the relay is.
_FLUSH_SECONDS = 1.0
_RETRY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails that are ours to send, claimed at a time of the monotonic clock; `is_last` if nothing more was due."""

    taken: list[Taken]
    people: Mapping[int, Person]
    claimed_at: float
    is_last: bool


class Clerk:
    """Of one stretch, from its claim to its release. `no_room` is why nothing more can be claimed, once that is so."""

    def __init__(self, own: Desk, stretch: Stretch, campaign: Campaign, journal: Journal, watch: Watch) -> None:
        self._own, self._stretch, self._campaign = own, stretch, campaign
        self._journal, self._watch = journal, watch
        self._app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        # Filled by one thread and emptied by the other: their ends are atomic and need no lock.
        self._accepted: deque[tuple[int, datetime]] = deque()
        self._replies: deque[Reply] = deque()
        self._failures: deque[Failure] = deque()
        self._untried: deque[int] = deque()
        self._skipped: deque[tuple[int, SkipReason]] = deque()
        self._wanted = 0
        self._ready: Batch | None = None
        self._is_over = False
        self._bell = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="clerk")
        self.no_room: OSError | None = None

    def accepted(self, subscriber_id: int, second: datetime) -> None:
        """The next hop has this mail since then."""
        self._accepted.append((subscriber_id, second))

    def replied(self, reply: Reply) -> None:
        """It has another final word."""
        self._replies.append(reply)

    def failed(self, failure: Failure) -> None:
        """This mail could not be made."""
        self._failures.append(failure)

    def untried(self, subscriber_id: int) -> None:
        """This one was not begun."""
        self._untried.append(subscriber_id)

    def skipped(self, subscriber_id: int, reason: SkipReason) -> None:
        """This person is not to be mailed, as was seen only now."""
        self._skipped.append((subscriber_id, reason))

    def ask(self, size: int) -> None:
        """Have the next batch fetched, of so many mails at most."""
        self._wanted = size
        self._bell.set()

    def batch(self) -> Batch | None:
        """The batch that was asked for, once; None while it is not there."""
        ready, self._ready = self._ready, None
        return ready

    @property
    def has_last(self) -> bool:
        """Whether the batch that was asked for is there, and the last."""
        ready = self._ready
        return ready is not None and ready.is_last

    @property
    def is_at_work(self) -> bool:
        """False when there will be no further batch, for a reason that leaving the block tells."""
        return not self._work.done()

    def __enter__(self) -> Self:
        self._work = self._pool.submit(self._run)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop, with all results in the ledger if it can be reached; raises what stopped the thread."""
        self._is_over = True
        self._bell.set()
        self._pool.shutdown()
        self._work.result()

    def _run(self) -> None:
        with self._app.app_context():
            while not self._is_over:
                self._bell.wait(_FLUSH_SECONDS)
                self._bell.clear()
                self._round()
            if self._ready:
                self._untried.extend(each.subscriber_id for each in self._ready.taken)
            self._round()

    def _round(self) -> None:
        """Write what has come in, and fetch what is wanted."""
        size, self._wanted = 0 if self._is_over else self._wanted, 0
        results, size = self._collected(), self._with_room(size)
        if not (results or size):
            return
        claimed = self._patiently(lambda: self._write_and_claim(results, size))
        if not size or claimed is None:
            return
        taken, is_last, at = claimed
        found = self._patiently(lambda: self._people(taken))
        if found is not None:
            self._ready = Batch(taken, found, at, is_last)

    def _with_room(self, size: int) -> int:
        """What may be claimed: nothing that could not be noted."""
        try:
            self._journal.reserve(size)
        except OSError as error:
            self.no_room = error
            self._ready = Batch([], {}, time.monotonic(), is_last=True)
            return 0
        return size

    def _write_and_claim(self, results: Results, size: int) -> tuple[list[Taken], bool, float] | None:
        began = time.monotonic()
        with self._own.database.transaction() as session:
            if not write(session, self._stretch, self._campaign.crash_policy, results, utc_now()):
                self._watch.lost()
                return None
            taken, is_last = take_batch(session, self._stretch, size, utc_now()) if size else ([], False)
        self._watch.renewed(began)
        return taken, is_last, time.monotonic()

    def _people(self, taken: list[Taken]) -> dict[int, Person]:
        ids = [each.subscriber_id for each in taken]
        with self._own.database.reading() as session:
            return people(session, self._campaign, ids, self._own.tokens, self._own.base_url) if ids else {}

    def _patiently(self, work: Callable[[], T]) -> T | None:
        """Its answer; None if the database stayed away for longer than the shard is surely ours."""
        said = ""
        while self._watch.is_ours:
            try:
                return work()
            except DBAPIError as error:
                if str(error.orig) != said:
                    said = str(error.orig)
                    log.warning("the database does not answer, waiting: %s", said)
                time.sleep(_RETRY_SECONDS)
        return None

    def _collected(self) -> Results:
        results = Results()
        for subscriber_id, second in _emptied(self._accepted):
            results.accept(subscriber_id, second)
        results.replies = _emptied(self._replies)
        results.failures = _emptied(self._failures)
        results.untried = _emptied(self._untried)
        results.skipped = _emptied(self._skipped)
        return results


def _emptied(waiting: deque[T]) -> list[T]:
    return [waiting.popleft() for _ in range(len(waiting))]
