"""The timetable: when it rings, and what it does when Redis is away."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from redis import Redis, RedisError

from app.health import health
from app.queue import Timed, connect
from tests.workers import jobs
from tests.workers.test_runtime import wait_for
from workers import schedule
from workers.child import Child
from workers.schedule import Timetable

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OFTEN = Timed(jobs.remember, timedelta(seconds=10))
SELDOM = Timed(jobs.fail, timedelta(hours=24))


def after(**distance: int) -> datetime:
    return NOON + timedelta(**distance)


def test_every_line_rings_at_the_start() -> None:
    assert Timetable([OFTEN, SELDOM]).due(NOON) == [OFTEN, SELDOM]


def test_a_line_rings_again_after_its_interval_and_not_before() -> None:
    timetable = Timetable([OFTEN, SELDOM])
    timetable.due(NOON)
    assert timetable.due(after(seconds=9)) == []
    assert timetable.due(after(seconds=10)) == [OFTEN]
    assert timetable.due(after(seconds=11)) == []


def test_missed_rounds_ring_once() -> None:
    timetable = Timetable([OFTEN])
    timetable.due(NOON)
    assert timetable.due(after(hours=3)) == [OFTEN]
    assert timetable.due(after(hours=3, seconds=1)) == []


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    """Q10."""
    timetable = Timetable([OFTEN, SELDOM])
    timetable.due(NOON)
    assert timetable.due(after(days=-1)) == [OFTEN, SELDOM]
    assert timetable.due(after(days=-1, seconds=5)) == []


def test_a_tick_puts_what_is_due_into_its_queue(app: APIFlask, valkey: str) -> None:
    timetable = Timetable([OFTEN])
    schedule.tick(timetable, NOON)
    schedule.tick(timetable, after(seconds=1))
    client = connect(valkey)
    assert client.llen("rq:queue:quick") == 1
    client.close()


def test_with_redis_away_a_line_stays_due(app: APIFlask, valkey: str) -> None:
    """Q3."""
    timetable = Timetable([OFTEN])
    here = app.extensions["letterbond.redis"]
    app.extensions["letterbond.redis"] = Redis(unix_socket_path="/nowhere", retry=None)
    with pytest.raises(RedisError):
        schedule.tick(timetable, NOON)
    app.extensions["letterbond.redis"] = here
    schedule.tick(timetable, after(seconds=1))
    assert here.llen("rq:queue:quick") == 1


@pytest.fixture
def timetable(app: APIFlask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    app.extensions["letterbond.database"].close()
    child = Child("timetable", lambda stop: schedule.run(app, stop), tmp_path_factory.mktemp("log"))
    child.start()
    yield child
    child.send(signal.SIGKILL)
    wait_for(lambda: not child.runs or bool(child.ended()))


def test_it_ticks_in_a_process_of_its_own_and_stops_on_sigterm(app: APIFlask, timetable: Child) -> None:
    wait_for(lambda: bool(health()["timetable"]["ok"]))
    began = time.monotonic()
    timetable.send(signal.SIGTERM)
    wait_for(lambda: timetable.ended() == "exit status 0")
    assert time.monotonic() - began < 2
