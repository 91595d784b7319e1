"""The sending thread's side of one shard: mails composed one by one as the transport asks for them, and the notes that
keep the promise (DESIGN 5.1): intent in the journal before the content can be taken, the final word right after.

While a batch is handed over the next one is being claimed, so that nobody is mailed on a claim older than a second or
two: a batch is about half a second of sending, and what has waited longer goes back to be asked again (TRUST Q14). Not
in charge of: the database (`clerk.py`), and when a shard is taken or left (`send.py`).
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from app.campaigns.render import RenderFailed
from app.db import utc_now
from app.delivery.batch import SkipReason, Taken
from app.delivery.clerk import Batch, Clerk
from app.delivery.journal import Journal
from app.delivery.message import Composer, Person
from app.delivery.results import Failure, Reply
from app.mail import BadHeader, wire_address
from app.transport import MailObject, Mails, Outcome, Result

FIRST_BATCH = 50
_SMALLEST_BATCH, _LARGEST_BATCH = 10, 1000
_BATCH_SECONDS = 0.5
# A claim older than this is given back: the relay has become slow in mid-batch.
_FRESH_SECONDS = 2.0


class Pipeline:
    """Mails of one shard and, as a `Handover`, what becomes of them. `trouble` is why the relay takes nothing, `size`
    how many mails are claimed at once. `nears_end` is called once or more when the last batch is there, `ended` when
    no mail will come and none is under way.
    """

    def __init__(
        self,
        clerk: Clerk,
        journal: Journal,
        writer: Composer,
        may_go_on: Callable[[], bool],
        nears_end: Callable[[], object],
        ended: Callable[[], object],
        size: int,
    ) -> None:
        self._clerk, self._journal, self._writer = clerk, journal, writer
        self.may_go_on, self._nears_end, self._ended, self.size = may_go_on, nears_end, ended, size
        self._rest: deque[Taken] = deque()
        # The tries of each mail that the transport has, and those of them that it has begun to hand over.
        self._out: dict[int, int] = {}
        self._begun: set[int] = set()
        self._second, self._at = 0, datetime.fromtimestamp(0, UTC)
        self.trouble: Outcome | None = None
        # Whether no further mail will come.
        self.is_dry = False
        clerk.ask(size)

    def mails(self, takes_more: Callable[[], bool]) -> Mails:
        """One after the other until nothing is due; None while the next batch is not there yet."""
        while takes_more() and self.may_go_on() and self._clerk.is_at_work:
            batch = self._clerk.batch()
            if batch is None:
                yield None
                continue
            if not batch.is_last:
                self._clerk.ask(self.size)
            for mail in self._of(batch, takes_more):
                # The last batch may be a small one: what follows it is asked for as soon as it is known to be the last.
                if batch.is_last or self._clerk.has_last:
                    self._nears_end()
                yield mail, self
            if batch.is_last:
                break
        self.is_dry = True
        if not self._out:
            self._ended()

    def begin(self, mail: MailObject) -> None:
        """From here on it may be out."""
        self._journal.intend(mail.key)
        self._begun.add(mail.key)

    def end(self, mail: MailObject, outcome: Outcome) -> None:
        """The final word on it."""
        key, seconds = mail.key, int(time.time())
        if seconds != self._second:
            self._second, self._at = seconds, datetime.fromtimestamp(seconds, UTC)
        attempts = self._out.pop(key)
        if key in self._begun:
            self._begun.discard(key)
            self._journal.reply(key, outcome, seconds)
        if outcome.result is Result.ACCEPTED:
            self._clerk.accepted(key, self._at)
        elif outcome.result is Result.WITHDRAWN:
            self._clerk.untried(key)
        elif outcome.result is Result.UNREACHABLE:
            self._clerk.untried(key)
            self.trouble = self.trouble or outcome
        else:
            self._clerk.replied(Reply(key, outcome, self._at, attempts))
        if self.is_dry and not self._out:
            self._ended()

    def leave(self) -> None:
        """Give back what was claimed and is not under way."""
        while self._rest:
            self._clerk.untried(self._rest.popleft().subscriber_id)

    def _of(self, batch: Batch, takes_more: Callable[[], bool]) -> Iterator[MailObject]:
        """Its mails, unless they wait too long; the first goes out in any case, or a slow database would stop all."""
        began = time.monotonic()
        rest = self._rest = deque(batch.taken)
        is_fresh = True
        while rest and is_fresh and takes_more() and self.may_go_on():
            taken = rest.popleft()
            mail = self._composed(taken.subscriber_id, batch.people.get(taken.subscriber_id))
            if mail is not None:
                self._out[taken.subscriber_id] = taken.attempts
                yield mail
            is_fresh = time.monotonic() - batch.claimed_at < _FRESH_SECONDS
        if not batch.is_last:
            self.size = _next_size(self.size, time.monotonic() - began)
        self.leave()

    def _composed(self, subscriber_id: int, person: Person | None) -> MailObject | None:
        """The mail, or None and the reason noted: one person's trouble does not hold up the others (TRUST Q12)."""
        if person is None:
            self._clerk.skipped(subscriber_id, SkipReason.ERASED)
            return None
        try:
            return self._writer.mail(person, utc_now())
        except (RenderFailed, TypeError, ValueError) as error:
            if _can_be_reached(person.email):
                self._clerk.failed(Failure(subscriber_id, str(error)))
            else:
                self._clerk.skipped(subscriber_id, SkipReason.BAD_ADDRESS)
            return None


def _can_be_reached(address: str) -> bool:
    try:
        wire_address(address)
    except BadHeader:
        return False
    return True


def _next_size(size: int, seconds: float) -> int:
    """Large batches for speed, small ones so that a change of consent is seen soon."""
    if seconds < _BATCH_SECONDS / 2:
        return min(size * 2, _LARGEST_BATCH)
    return max(size // 2, _SMALLEST_BATCH) if seconds > _BATCH_SECONDS * 2 else size
