"""Sending: takes one shard after the other and hands their mails over, until nothing is due.

The order of things is the promise (DESIGN 5.1): in flight in the ledger, intent in the journal, hand-over, reply in
the journal, batch into the ledger. No transaction is open in the thread that talks SMTP. A pause, a cancellation, an
orderly stop or the loss of a shard takes effect before the next mail.

A server may think about one mail for ten minutes (RFC 5321 §4.5.3.2.6), and the shard of that mail is ours as long. So
the next shard is taken while mails of others are under way, and connections never run dry between two.

Not in charge of: when to look (`reap.py`), what replies mean (`ledger.py`), who may be mailed (`batch.py`), and what
happens from the claim of a shard to its release (`stint.py`).
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from flask import current_app
from sqlalchemy.exc import DBAPIError

from app.campaigns.models import Campaign
from app.db import utc_now
from app.delivery.desk import Desk
from app.delivery.message import Composer, composer
from app.delivery.pipeline import FIRST_BATCH
from app.delivery.reap import campaigns_with_work
from app.delivery.stint import Ending, Stint, take
from app.transport import Mails

log = logging.getLogger(__name__)

T = TypeVar("T")

# A worker gives the other campaigns their turn after so long. If mails hang then, they take it beside them.
TURN, LONGEST_TURN = timedelta(seconds=60), timedelta(minutes=40)
# So many shards at most wait for mails that hang; and so often we look whether something is due meanwhile.
_MOST_OPEN, _LOOK_SECONDS = 32, 1.0


def drain(own: Desk, campaign_id: int, on_claim: Callable[[int], object] = lambda _campaign_id: None) -> bool:
    """Send what is due of a campaign, for one turn; whether there may be more. `on_claim` may call other workers."""
    with _Turn(own, campaign_id, on_claim) as turn:
        own.transport.send_many(turn.mails())
    return turn.leaves_work


class _Turn:
    """Of one worker: shard after shard. The thread that sends asks for them, a second one takes and finishes them."""

    def __init__(self, own: Desk, campaign_id: int, on_claim: Callable[[int], object]) -> None:
        self._own, self._campaign_id, self._on_claim = own, campaign_id, on_claim
        self._app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        began = time.monotonic()
        self._until, self._at_last = began + TURN.total_seconds(), began + LONGEST_TURN.total_seconds()
        self._writers: dict[int, Composer] = {}
        self._size = FIRST_BATCH
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shards")
        self._asked: Future[Stint | None] | None = None
        self._open: set[Stint] = set()
        self._finishing: list[Future[None]] = []
        self._ending = Ending.RELEASED
        # Whether something was open that may leave work behind, as we looked; when to look again; what we saw.
        self._was_open, self._look_at, self._found_nothing = False, 0.0, False

    def mails(self) -> Mails:
        """Those of all shards, until nothing is due and nothing is under way."""
        while self._takes_more():
            stint = self._next()
            if stint is not None:
                yield from stint.pipeline.mails(self._takes_more)
                self._size = stint.pipeline.size
            elif self._found_nothing:
                return
            else:
                yield None

    @property
    def leaves_work(self) -> bool:
        """Whether somebody should look again at once."""
        return not self._found_nothing and self._ending is not Ending.TROUBLE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Finish all shards that are open, or leave them as they are after an error."""
        self._thread.shutdown()
        with ExitStack() as left:
            if kind is None:
                for stint in tuple(self._open):
                    left.callback(self._finish, stint)
            else:
                for stint in self._open:
                    left.callback(stint.abandon)
            for each in (*self._finishing, self._asked):
                if each is not None:
                    each.result()

    # In the thread that sends.

    def _takes_more(self) -> bool:
        """Whether another mail may be taken."""
        now = time.monotonic()
        hangs = now >= self._until and any(stint.hangs for stint in tuple(self._open))
        if now >= (self._at_last if hangs else self._until):
            return False
        return self._may_go_on()

    def _may_go_on(self) -> bool:
        return self._ending is Ending.RELEASED and not self._own.stopping()

    def _next(self) -> Stint | None:
        """The next shard; None while it is not there."""
        if self._asked is None:
            is_time = time.monotonic() >= self._look_at or (self._was_open and not self._open)
            if is_time and len(self._open) < _MOST_OPEN:
                self._ask()
            return None
        if not self._asked.done():
            return None
        stint, self._asked = self._asked.result(), None
        if stint is None:
            self._look_at, self._found_nothing = time.monotonic() + _LOOK_SECONDS, not self._was_open
        return stint

    def _ask(self) -> None:
        """Have the next shard taken, if that is not done already."""
        if self._asked is None and self._takes_more():
            self._was_open = bool(self._open)
            self._asked = self._beside(self._take)

    def _ended(self, stint: Stint) -> None:
        self._finishing.append(self._beside(self._finish, stint))

    def _beside(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        def in_app() -> T:
            with self._app.app_context():
                return work(*arguments)

        return self._thread.submit(in_app)

    # In the second thread.

    def _take(self) -> Stint | None:
        """The next shard, with its first batch on the way.

        While mails are under way, a database that is away is no reason to break off and leave them in doubt.
        """
        try:
            return self._taken()
        except DBAPIError as error:
            if not self._open:
                raise
            log.warning("the database does not answer, no further shard is taken for now: %s", error.orig)
            return None

    def _taken(self) -> Stint | None:
        for campaign_id in self._campaigns():
            while self._may_go_on() and (stint := take(self._own, campaign_id)) is not None:
                self._on_claim(campaign_id)
                self._open.add(stint)
                if not stint.is_called_off:
                    self._begin(stint)
                    return stint
                self._finish(stint)
        return None

    def _begin(self, stint: Stint) -> None:
        try:
            stint.begin(
                self._writer(stint.campaign),
                self._size,
                may_go_on=self._may_go_on,
                nears_end=self._ask,
                ended=self._ended,
            )
        except BaseException:
            self._open.discard(stint)
            stint.abandon()
            raise

    def _campaigns(self) -> list[int]:
        """Ours; when its turn is over and mails of it hang, the others, too, one after the other."""
        if time.monotonic() < self._until:
            return [self._campaign_id]
        with self._own.database.reading() as session:
            ids = campaigns_with_work(session, utc_now())
        ids = [each for each in ids if each > self._campaign_id] + [each for each in ids if each <= self._campaign_id]
        self._campaign_id = next(iter(ids), self._campaign_id)
        return ids

    def _finish(self, stint: Stint) -> None:
        try:
            ending = stint.finish()
        except BaseException:
            self._ending = Ending.LOST
            raise
        finally:
            self._open.discard(stint)
        if ending is not Ending.RELEASED:
            self._ending = ending

    def _writer(self, campaign: Campaign) -> Composer:
        writer = self._writers.get(campaign.id)
        if writer is None:
            own = self._own
            with own.database.reading() as session:
                writer = self._writers[campaign.id] = composer(session, campaign, own.tokens, own.base_url)
        return writer
