"""kill -9 of real worker processes in mid-campaign; the mail server's own log is the judge (TRUST Q1, Q2)."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import insert, select

from app import create_app
from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.db import database, transaction, utc_now
from app.delivery import launch
from app.delivery.books import Books, books
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Standing, Status, Subscriber, TrackingMode
from tests import make
from tests.crash.worker import config
from tests.sink import Sink

WORKERS = 2


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def crashing(database_url: str, tmp_path: Path, sink: Sink) -> Iterator[APIFlask]:
    """An installation whose workers are processes of their own."""
    app = create_app(config(database_url, str(tmp_path), sink.port))
    with app.app_context():
        with transaction() as session:
            make.organisation(session)
        yield app
    app.extensions["letterbond.database"].close()


def launched(people: int, policy: CrashPolicy, shard_size: int) -> int:
    """A campaign with its ledger written."""
    with transaction() as session:
        numbers = range(1, people + 1)
        session.execute(
            insert(Subscriber),
            [
                {
                    "id": n,
                    "email": f"p{n}@example.org",
                    "address_key": f"p{n}@example.org",
                    "address_hash": f"{n}",
                    "first_name": f"Name{n}",
                    "attributes": {},
                }
                for n in numbers
            ],
        )
        given = {"status": Status.ACTIVE, "tracking": TrackingMode.PERSONAL, "created_at": make.THEN}
        session.execute(insert(Standing), [{"subscriber_id": n, **given} for n in numbers])
        campaign = make.campaign(
            session,
            state=CampaignState.HOLDING,
            send_after=utc_now() - timedelta(seconds=1),
            crash_policy=policy,
        )
        size, launch.SHARD_SIZE = launch.SHARD_SIZE, shard_size
        assert launch.launch(session, campaign.id, utc_now())
        launch.SHARD_SIZE = size
    return campaign.id


class Crew:
    """Worker processes, each replaced when it dies."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self.processes = [self._start() for _ in range(WORKERS)]

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.crash.worker", *self._arguments]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def kill_one(self, chance: random.Random) -> None:
        at = chance.randrange(len(self.processes))
        self.processes[at].kill()
        self.processes[at].wait()
        self.processes[at] = self._start()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def watch_books(campaign_id: int, until: float) -> Books:
    """Read the books again and again: they balance at every instant (DESIGN 5.2)."""
    while time.monotonic() < until:
        with database().reading() as session:
            found = books(session, campaign_id)
        assert found.balanced, found
        time.sleep(0.05)
    return found


def killed_often(crashing: APIFlask, sink: Sink, campaign_id: int, *, people: int, kills: int) -> Books:
    """Let the crew send to so many people, killing one of it so often, until the campaign is sent."""
    settings = crashing.extensions["letterbond.config"]
    chance = random.Random(kills)
    sink.fault = lambda phase, _: time.sleep(0.002) if phase == "dot" else None
    crew = Crew([settings.database_url, str(settings.home), str(sink.port), str(campaign_id)])
    try:
        for kill in range(kills):
            enough = people * (kill + 1) // (kills + 2)
            while len(sink.messages) < enough:
                watch_books(campaign_id, time.monotonic() + 0.05)
            crew.kill_one(chance)
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            found = watch_books(campaign_id, time.monotonic() + 0.1)
            if not found.left:
                return found
    finally:
        crew.end()
    raise AssertionError(f"the campaign did not end: {found}")


def test_after_kills_nobody_is_missed_and_each_double_is_known(crashing: APIFlask, sink: Sink) -> None:
    """Lost 0; doubled at most one mail per connection and kill, and all of them counted."""
    people, kills = 2000, 6
    campaign_id = launched(people, CrashPolicy.RESEND, shard_size=400)
    found = killed_often(crashing, sink, campaign_id, people=people, kills=kills)
    taken = Counter(recipient for _sender, recipient, _content in sink.messages)
    doubled = sum(taken.values()) - len(taken)
    assert len(taken) == people
    assert doubled <= kills
    assert (found.sent, found.balanced) == (people, True)
    assert doubled <= found.repeated <= kills
    with transaction() as session:
        assert set(session.scalars(select(Standing.sent))) == {1}
        repeated = session.scalars(select(Delivery.subscriber_id).where(Delivery.repeats > 0)).all()
    assert {address for address, times in taken.items() if times > 1} <= {f"p{n}@example.org" for n in repeated}


def test_a_campaign_that_must_never_double_does_not(crashing: APIFlask, sink: Sink) -> None:
    """Policy `never`: what was in flight is listed as unknown, and nothing goes twice."""
    people, kills = 500, 3
    campaign_id = launched(people, CrashPolicy.NEVER, shard_size=100)
    found = killed_often(crashing, sink, campaign_id, people=people, kills=kills)
    taken = Counter(recipient for _sender, recipient, _content in sink.messages)
    assert max(taken.values()) == 1
    assert found.balanced
    assert found.unknown <= kills
    with transaction() as session:
        unknown = set(session.scalars(select(Delivery.subscriber_id).where(Delivery.state == DeliveryState.UNKNOWN)))
        missing = {n for n in range(1, people + 1) if f"p{n}@example.org" not in taken}
        assert missing <= unknown


def test_the_end_is_noted_once(crashing: APIFlask, sink: Sink) -> None:
    """The reaper of any worker ends the campaign."""
    campaign_id = launched(20, CrashPolicy.RESEND, shard_size=5)
    settings = crashing.extensions["letterbond.config"]
    crew = Crew([settings.database_url, str(settings.home), str(sink.port), str(campaign_id)])
    try:
        assert [process.wait(30) for process in crew.processes] == [0] * WORKERS
    finally:
        crew.end()
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.state is CampaignState.SENT
        assert campaign.finished_at
    assert not list(settings.journal.iterdir())
