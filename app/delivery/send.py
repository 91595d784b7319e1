"""Sending: claims one shard after the other and hands their mails over, until nothing is due.

The order of things is the promise (DESIGN 5.1): in flight in the ledger, intent in the journal, hand-over, reply in
the journal, batch into the ledger. No transaction is open in the thread that talks SMTP. A pause, a cancellation, an
orderly stop or the loss of the shard takes effect before the next mail.

Not in charge of: when to look (`reap.py`), what replies mean (`ledger.py`), who may be mailed (`batch.py`), and how
claiming and sending overlap (`pipeline.py`, `clerk.py`).
"""

import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from app.campaigns.models import Campaign, CampaignState
from app.db import utc_now
from app.delivery.batch import call_off
from app.delivery.clerk import Clerk
from app.delivery.desk import Desk
from app.delivery.journal import Journal, dead_stretches, remove_older
from app.delivery.message import Composer, composer
from app.delivery.pipeline import FIRST_BATCH, Pipeline
from app.delivery.recover import recover
from app.delivery.shards import Claim, claim, free_dead, release
from app.delivery.trouble import Trouble, journal_trouble, relay_trouble, wait
from app.delivery.watch import Watch

# A worker gives the other campaigns their turn after so long.
TURN = timedelta(seconds=60)


class Ending(StrEnum):
    """Why a sender stopped working on a shard."""

    NOTHING_DUE = "nothing_due"
    STOPPED = "stopped"
    LOST = "lost"
    TROUBLE = "trouble"


def drain(own: Desk, campaign_id: int, on_claim: Callable[[], object] = lambda: None) -> bool:
    """Send what is due of a campaign, for one turn; whether there may be more. `on_claim` may call other workers."""
    turn = _Turn(own, campaign_id)
    while not turn.is_over():
        if not turn.take():
            return False
        on_claim()
        ending = turn.work()
        if ending in {Ending.TROUBLE, Ending.LOST}:
            return ending is Ending.LOST
    return True


class _Turn:
    """Of one worker with one campaign: shard after shard, with one edition compiled for all of them."""

    _claimed: Claim
    _journal: Journal
    _campaign: Campaign

    def __init__(self, own: Desk, campaign_id: int) -> None:
        self._own, self._campaign_id = own, campaign_id
        self._until = time.monotonic() + TURN.total_seconds()
        self._writer: Composer | None = None
        self._size = FIRST_BATCH

    def is_over(self) -> bool:
        """Whether others shall have the worker now."""
        return time.monotonic() >= self._until or self._own.stopping()

    def take(self) -> bool:
        """Claim a shard, with what its last sender left behind settled; False if there is nothing to do."""
        own = self._own
        with own.database.transaction() as session:
            free_dead(session, dead_stretches(own.journals, self._campaign_id))
            campaign = session.get(Campaign, self._campaign_id)
            if campaign is None or campaign.state not in {CampaignState.SENDING, CampaignState.CANCELLED}:
                return False
            claimed = claim(session, self._campaign_id, own.owner, utc_now())
            if claimed is None:
                return False
            journal = Journal(own.journals, claimed.stretch)
            try:
                recover(session, claimed.stretch, campaign.crash_policy, own.journals, utc_now())
            except BaseException:
                journal.close()
                raise
        remove_older(own.journals, claimed.stretch)
        self._claimed, self._campaign, self._journal = claimed, campaign, journal
        return True

    def work(self) -> Ending:
        """Send what the shard has, and give it back."""
        try:
            if self._campaign.state is CampaignState.CANCELLED:
                ending, trouble = Ending.NOTHING_DUE, None
            else:
                ending, trouble = self._send()
            if ending is not Ending.LOST and self._give_back(trouble):
                self._journal.remove()
        finally:
            self._journal.close()
        return ending

    def _send(self) -> tuple[Ending, Trouble | None]:
        own, stretch = self._own, self._claimed.stretch
        with (
            Watch(own.database, stretch) as watch,
            Clerk(own, stretch, self._campaign, self._journal, watch) as clerk,
        ):
            go_on = lambda: watch.may_go_on and not self.is_over()  # noqa: E731
            pipeline = Pipeline(clerk, self._journal, self._composer(), go_on, self._size)
            try:
                own.transport.send_many(pipeline.mails(), pipeline)
            finally:
                pipeline.leave()
        self._size = pipeline.size
        if not watch.is_ours:
            return Ending.LOST, None
        if pipeline.trouble:
            return Ending.TROUBLE, relay_trouble(pipeline.trouble)
        if clerk.no_room:
            return Ending.TROUBLE, journal_trouble(clerk.no_room)
        return (Ending.NOTHING_DUE if pipeline.is_dry else Ending.STOPPED), None

    def _composer(self) -> Composer:
        if self._writer is None:
            own = self._own
            with own.database.reading() as session:
                self._writer = composer(session, self._campaign, own.tokens, own.base_url)
        return self._writer

    def _give_back(self, trouble: Trouble | None) -> bool:
        """Whether the ledger holds all that the journal says."""
        stretch = self._claimed.stretch
        with self._own.database.transaction() as session:
            if self._campaign.state is CampaignState.CANCELLED:
                call_off(session, stretch)
            is_settled = release(session, stretch)
            if trouble:
                wait(session, self._claimed, trouble, utc_now())
        return is_settled
