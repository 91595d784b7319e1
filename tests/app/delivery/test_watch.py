"""The lease of a shard while its sender waits for a slow relay."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState
from app.db import database, transaction, utc_now
from app.delivery import watch as watching
from app.delivery.models import Shard
from app.delivery.shards import claim
from app.delivery.watch import Watch


@pytest.fixture
def watch(launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Over a claimed shard, looking often."""
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watching, "_RENEW_SECONDS", 0.05)
    campaign_id = launched(people=1)
    with transaction() as session:
        claimed = claim(session, campaign_id, "test", utc_now())
    assert claimed
    with Watch(database(), claimed.stretch) as watch:
        yield watch


def becomes(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def lease_lasts() -> bool:
    with transaction() as session:
        lease_until = session.scalars(select(Shard.lease_until)).one()
    return lease_until is not None and lease_until > utc_now()


def test_the_lease_is_renewed_while_the_sender_waits(watch: Watch) -> None:
    """A relay may think for ten minutes; nobody else takes the shard meanwhile."""
    with transaction() as session:
        session.execute(update(Shard).values(lease_until=utc_now() - timedelta(seconds=60)))
    assert becomes(lease_lasts)
    assert watch.may_go_on


def test_a_shard_that_another_took_is_noticed(watch: Watch) -> None:
    with transaction() as session:
        session.execute(update(Shard).values(epoch=Shard.epoch + 1))
    assert becomes(lambda: not watch.is_ours)


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CANCELLED])
def test_a_pause_or_cancellation_is_noticed(watch: Watch, state: CampaignState) -> None:
    assert watch.may_go_on
    with transaction() as session:
        session.execute(update(Campaign).values(state=state))
    assert becomes(lambda: not watch.may_go_on)
    assert watch.is_ours


def test_a_lease_that_could_not_be_renewed_runs_out_by_our_own_clock(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away: better to stop than to send what another may be sending."""
    with transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE shard RENAME TO shard_away")
    monkeypatch.setattr(watching, "_SAFE_SECONDS", 0.1)
    assert becomes(lambda: not watch.is_ours)
