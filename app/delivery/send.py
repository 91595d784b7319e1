"""Sending: claims one shard after the other and hands their mails over, until nothing is due.

The order of things is the promise (DESIGN 5.1): in flight in the ledger, intent in the journal, hand-over, reply in
the journal, batch into the ledger. No transaction is open while SMTP talks. A pause, a cancellation, an orderly stop
or the loss of the shard takes effect before the next mail.

Not in charge of: when to look (`reap.py`), what replies mean (`ledger.py`), who may be mailed (`batch.py`).
"""

import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.exc import DBAPIError

from app.campaigns.models import Campaign, CampaignState
from app.campaigns.render import RenderFailed
from app.db import utc_now
from app.delivery.batch import Taken, call_off, take_batch
from app.delivery.desk import Desk
from app.delivery.journal import Journal, Stretch, dead_stretches, remove_older
from app.delivery.ledger import Failure, Reply, Results, write
from app.delivery.message import Composer, Person, composer, people
from app.delivery.recover import recover
from app.delivery.shards import Claim, claim, free_dead, release
from app.delivery.trouble import wait_for_relay
from app.delivery.watch import Watch
from app.transport import MailObject, Outcome, Result

# A worker gives the other campaigns their turn after so long.
TURN = timedelta(seconds=60)

_FIRST_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 50, 10, 200
# Replies wait no longer than this for the ledger, however slow the relay is.
_FLUSH_SECONDS = 2.0


class Ending(StrEnum):
    """Why a sender stopped working on a shard."""

    NOTHING_DUE = "nothing_due"
    STOPPED = "stopped"
    LOST = "lost"
    TROUBLE = "trouble"


def drain(own: Desk, campaign_id: int, on_claim: Callable[[], object] = lambda: None) -> bool:
    """Send what is due of a campaign, for one turn; whether there may be more. `on_claim` may call other workers."""
    until = time.monotonic() + TURN.total_seconds()
    while time.monotonic() < until and not own.stopping():
        taken = _claim(own, campaign_id)
        if taken is None:
            return False
        on_claim()
        if _work_on(own, *taken, until) is Ending.TROUBLE:
            return False
    return True


def _claim(own: Desk, campaign_id: int) -> tuple[Claim, Campaign, Journal] | None:
    """A shard of our own, with what its last sender left behind settled; None if there is nothing to do."""
    with own.database.transaction() as session:
        free_dead(session, dead_stretches(own.journals, campaign_id))
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.state not in {CampaignState.SENDING, CampaignState.CANCELLED}:
            return None
        claimed = claim(session, campaign_id, own.owner, utc_now())
        if claimed is None:
            return None
        journal = Journal(own.journals, claimed.stretch)
        try:
            recover(session, claimed.stretch, campaign.crash_policy, own.journals, utc_now())
        except BaseException:
            journal.close()
            raise
    remove_older(own.journals, claimed.stretch)
    return claimed, campaign, journal


def _work_on(own: Desk, claimed: Claim, campaign: Campaign, journal: Journal, until: float) -> Ending:
    stretch = claimed.stretch
    try:
        if campaign.state is CampaignState.CANCELLED:
            _give_back(own, stretch, called_off=True)
            return Ending.NOTHING_DUE
        with own.database.reading() as session:
            writer = composer(session, campaign, own.tokens, own.base_url)
        with Watch(own.database, stretch) as watch:
            work = _Work(own, stretch, campaign, writer, journal, watch)
            ending = work.run(until)
        if ending is Ending.TROUBLE:
            wait_for_relay(own.database, claimed, work.trouble, utc_now())
        elif ending is not Ending.LOST:
            _give_back(own, stretch)
        if ending is not Ending.LOST:
            journal.remove()
    finally:
        journal.close()
    return ending


def _give_back(own: Desk, stretch: Stretch, *, called_off: bool = False) -> None:
    with own.database.transaction() as session:
        if called_off:
            call_off(session, stretch)
        release(session, stretch)


class _Work:
    """One shard, from its first batch to its last."""

    def __init__(
        self, own: Desk, stretch: Stretch, campaign: Campaign, writer: Composer, journal: Journal, watch: Watch
    ) -> None:
        self._own = own
        self._stretch = stretch
        self._campaign = campaign
        self._writer = writer
        self._journal = journal
        self._watch = watch
        self._results = Results()
        self._flushed_at = time.monotonic()
        self.trouble: Outcome = Outcome(Result.ACCEPTED)

    def run(self, until: float) -> Ending:
        """Batch after batch, until nothing is due or something says stop."""
        size = _FIRST_BATCH
        while (ending := self._why_stop(until)) is None:
            began = time.monotonic()
            batch, skipped = self._take(size)
            if not batch and not skipped:
                return Ending.NOTHING_DUE if self._watch.is_ours else Ending.LOST
            self._send(batch)
            size = _next_size(size, time.monotonic() - began)
        return ending

    def _why_stop(self, until: float) -> Ending | None:
        if self.trouble.result is Result.UNREACHABLE:
            return Ending.TROUBLE
        if not self._watch.is_ours:
            return Ending.LOST
        stopped = self._own.stopping() or not self._watch.may_go_on or time.monotonic() >= until
        return Ending.STOPPED if stopped else None

    def _take(self, size: int) -> tuple[list[Taken], int]:
        """The next batch, marked in flight; empty if another has the shard by now."""
        with self._own.database.transaction() as session:
            if not write(session, self._stretch, self._campaign.crash_policy, Results(), utc_now()):
                self._watch.lost()
                return [], 0
            taken = take_batch(session, self._stretch, size, utc_now())
        self._watch.renewed()
        return taken

    def _send(self, batch: list[Taken]) -> None:
        """Hand over one after the other; what is not begun when we must stop goes back."""
        with self._own.database.reading() as session:
            ids = [taken.subscriber_id for taken in batch]
            found = people(session, self._campaign, ids, self._own.tokens, self._own.base_url)
        for at, taken in enumerate(batch):
            if self._own.stopping() or not self._watch.may_go_on or self.trouble.result is Result.UNREACHABLE:
                self._results.untried += [each.subscriber_id for each in batch[at:]]
                break
            self._send_one(taken, found.get(taken.subscriber_id))
            if time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
                self._flush()
        self._flush()

    def _send_one(self, taken: Taken, person: Person | None) -> None:
        mail = self._composed(person)
        if isinstance(mail, str):
            self._results.failures.append(Failure(taken.subscriber_id, mail))
            return
        self._journal.intend(taken.subscriber_id)
        outcome = self._own.transport.send(mail)
        at = utc_now()
        self._journal.reply(taken.subscriber_id, outcome, at)
        self._results.replies.append(Reply(taken.subscriber_id, outcome, at, taken.attempts))
        if outcome.result is Result.UNREACHABLE:
            self.trouble = outcome

    def _composed(self, person: Person | None) -> MailObject | str:
        """The mail, or why this one person cannot have it: the others go on (TRUST Q12)."""
        if person is None:
            return "this person has been erased"
        try:
            return self._writer.mail(person, utc_now())
        except (RenderFailed, TypeError, ValueError) as error:
            return str(error)

    def _flush(self) -> None:
        """Bring the results into the ledger; a database that is away is waited for as long as the shard is ours."""
        results, self._results = self._results, Results()
        while results and self._watch.is_ours:
            try:
                self._write(results)
                results = Results()
            except DBAPIError:
                time.sleep(0.25)

    def _write(self, results: Results) -> None:
        with self._own.database.transaction() as session:
            is_ours = write(session, self._stretch, self._campaign.crash_policy, results, utc_now())
        self._flushed_at = time.monotonic()
        if is_ours:
            self._watch.renewed()
        else:
            self._watch.lost()


def _next_size(size: int, seconds: float) -> int:
    """Batches of about a second: large ones for speed, small ones so that a change of consent is seen soon."""
    if seconds < 0.5:
        return min(size * 2, _LARGEST_BATCH)
    return max(size // 2, _SMALLEST_BATCH) if seconds > 2 else size
