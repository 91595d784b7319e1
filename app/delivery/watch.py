"""Looks after a shard while its sender is busy talking SMTP: renews the lease, and notices that it should stop.

A thread, because a relay may think about one mail for ten minutes (RFC 5321 §4.5.3.2.6) and a lease must not last as
long. The sender asks `may_go_on` before each mail; the answer costs nothing.
"""

import threading
import time
from typing import Self

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.campaigns.models import Campaign, CampaignState
from app.db import Database
from app.delivery.journal import Stretch
from app.delivery.shards import LEASE, renew

_LOOK_SECONDS = 0.2
_RENEW_SECONDS = LEASE.total_seconds() / 4
# Stop a little before the lease ends: the database's clock and ours do not tick together.
_SAFE_SECONDS = LEASE.total_seconds() * 0.75


class Watch:
    """Of one stretch, from the claim to the release."""

    def __init__(self, database: Database, stretch: Stretch) -> None:
        self._database = database
        self._stretch = stretch
        self._renewed_at = time.monotonic()
        self._is_over = threading.Event()
        self._is_lost = False
        self._is_sending = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def is_ours(self) -> bool:
        """Whether the shard surely is ours still."""
        return not self._is_lost and time.monotonic() - self._renewed_at < _SAFE_SECONDS

    @property
    def may_go_on(self) -> bool:
        """Whether another mail may be handed over: it is ours, and the campaign neither paused nor cancelled."""
        return self._is_sending and self.is_ours

    def renewed(self, began: float) -> None:
        """The sender has renewed the lease itself, with a batch that it began to write then (monotonic clock)."""
        self._renewed_at = began

    def lost(self) -> None:
        """Another sender has the shard."""
        self._is_lost = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK_SECONDS):
            try:
                self._look()
            except SQLAlchemyError:
                # The database is away: the lease runs out, and with it may_go_on.
                continue

    def _look(self) -> None:
        with self._database.reading() as session:
            state = session.scalar(select(Campaign.state).where(Campaign.id == self._stretch.campaign_id))
        self._is_sending = state is CampaignState.SENDING
        began = time.monotonic()
        if began - self._renewed_at < _RENEW_SECONDS:
            return
        with self._database.transaction() as session:
            is_ours = renew(session, self._stretch)
        if is_ours:
            self._renewed_at = began
        else:
            self._is_lost = True
