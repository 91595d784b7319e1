"""A stint: one shard in the hands of this sender, from its claim to its release.

Two threads of its own look after the lease (`watch.py`) and do all that has to do with the database (`clerk.py`), so
several stints can be open at once: while the last mails of one are under way, the next has begun. Not in charge of:
which shard is taken and when (`send.py`), nor of composing and handing over (`pipeline.py`).
"""

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum

from app.campaigns.models import Campaign, CampaignState
from app.db import utc_now
from app.delivery.batch import call_off
from app.delivery.clerk import Clerk
from app.delivery.desk import Desk
from app.delivery.journal import Journal, dead_stretches, remove_older
from app.delivery.message import Composer
from app.delivery.pipeline import Pipeline
from app.delivery.recover import recover
from app.delivery.shards import Claim, claim, free_dead, release
from app.delivery.trouble import Trouble, journal_trouble, relay_trouble, wait
from app.delivery.watch import Watch


class Ending(StrEnum):
    """How a stint ended."""

    RELEASED = "released"
    LOST = "lost"
    TROUBLE = "trouble"


def take(own: Desk, campaign_id: int) -> "Stint | None":
    """Claim a shard, with what its last sender left behind settled; None if there is nothing to do."""
    with ExitStack() as unless_ours:
        with own.database.transaction() as session:
            free_dead(session, dead_stretches(own.journals, campaign_id))
            campaign = session.get(Campaign, campaign_id)
            if campaign is None or campaign.state not in {CampaignState.SENDING, CampaignState.CANCELLED}:
                return None
            claimed = claim(session, campaign_id, own.owner, utc_now())
            if claimed is None:
                return None
            journal = Journal(own.journals, claimed.stretch)
            unless_ours.callback(journal.close)
            recover(session, claimed.stretch, campaign.crash_policy, own.journals, utc_now())
        unless_ours.pop_all()
    remove_older(own.journals, claimed.stretch)
    return Stint(own, claimed, campaign, journal)


class Stint:
    """Of one claim. Nothing is sent before `begin`, which a campaign that was called off does not need."""

    pipeline: Pipeline
    _watch: Watch
    _clerk: Clerk

    def __init__(self, own: Desk, claimed: Claim, campaign: Campaign, journal: Journal) -> None:
        self._own, self._claimed, self._journal = own, claimed, journal
        self.campaign = campaign
        self._threads = ExitStack()
        self._has_begun = False

    @property
    def is_called_off(self) -> bool:
        """Whether nothing of it is to be sent."""
        return self.campaign.state is CampaignState.CANCELLED

    @property
    def hangs(self) -> bool:
        """Whether it only waits for mails that are under way."""
        return self._has_begun and self.pipeline.is_dry

    def begin(
        self,
        writer: Composer,
        size: int,
        *,
        may_go_on: Callable[[], bool],
        nears_end: Callable[[], object],
        ended: Callable[["Stint"], object],
    ) -> None:
        """Claim the first batch, of `size` mails; `pipeline` has them from then on, and knows what the calls mean."""
        own, stretch = self._own, self._claimed.stretch
        self._watch = watch = self._threads.enter_context(Watch(own.database, stretch))
        self._clerk = self._threads.enter_context(Clerk(own, stretch, self.campaign, self._journal, watch))
        goes_on = lambda: watch.may_go_on and may_go_on()  # noqa: E731
        self.pipeline = Pipeline(self._clerk, self._journal, writer, goes_on, nears_end, lambda: ended(self), size)
        self._has_begun = True

    def finish(self) -> Ending:
        """Bring all results into the ledger and give the shard back, when no mail of it is under way."""
        ending, trouble = Ending.RELEASED, None
        try:
            if not self.is_called_off:
                self.pipeline.leave()
                self._threads.close()
                ending, trouble = self._ending()
            if ending is not Ending.LOST and self._give_back(trouble):
                self._journal.remove()
        finally:
            self._journal.close()
        return ending

    def abandon(self) -> None:
        """Leave it to the next sender, who finds our notes: something has gone wrong here."""
        try:
            self._threads.close()
        finally:
            self._journal.close()

    def _ending(self) -> tuple[Ending, Trouble | None]:
        if not self._watch.is_ours:
            return Ending.LOST, None
        if self.pipeline.trouble:
            return Ending.TROUBLE, relay_trouble(self.pipeline.trouble)
        if self._clerk.no_room:
            return Ending.TROUBLE, journal_trouble(self._clerk.no_room)
        return Ending.RELEASED, None

    def _give_back(self, trouble: Trouble | None) -> bool:
        """Whether the ledger holds all that the journal says."""
        stretch = self._claimed.stretch
        with self._own.database.transaction() as session:
            if self.is_called_off:
                call_off(session, stretch)
            is_settled = release(session, stretch)
            if trouble:
                wait(session, self._claimed, trouble, utc_now())
        return is_settled
