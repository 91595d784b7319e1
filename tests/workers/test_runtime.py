"""A worker on a real queue: what it runs, what it refuses, and what it survives."""

import logging
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.health import health
from app.queue import bell, connect, enqueue
from app.queue import redis as current_redis
from app.transport import MailObject
from tests.workers import jobs
from workers import runtime
from workers.child import Child
from workers.outage import Outage
from workers.stopping import Stop


@pytest.fixture
def database_name() -> str:
    """The queue does not depend on the database."""
    return "sqlite"


@pytest.fixture
def redis(app: APIFlask, valkey: str) -> Iterator["Redis"]:
    client = connect(valkey)
    yield client
    client.close()


@pytest.fixture
def answer(app: APIFlask, redis: "Redis") -> Callable[[], None]:
    """Do all jobs of quick that are waiting, in this process."""

    def work() -> None:
        stop = Stop()
        runtime.equip(app, stop)
        worker = runtime.Worker(app, "quick", stop, redis, Outage())
        while redis.llen("rq:queue:quick"):
            worker.work(max_jobs=1, logging_level="WARNING")

    return work


def remembered(redis: "Redis") -> list[str]:
    return [word.decode() for word in redis.lrange("remembered", 0, -1)]


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_a_bell_is_answered(app: APIFlask, redis: "Redis", answer: Callable[[], None]) -> None:
    assert enqueue(jobs.remember, "anna")
    answer()
    assert remembered(redis) == ["anna"]


def test_a_bell_can_ring_again_as_soon_as_its_job_begins(
    app: APIFlask, redis: "Redis", answer: Callable[[], None]
) -> None:
    assert enqueue(jobs.remember, "anna")
    assert not enqueue(jobs.remember, "anna")
    answer()
    assert not redis.exists(bell(jobs.remember.name, ("anna",)))
    assert enqueue(jobs.remember, "anna")


def test_a_failing_job_is_logged_with_its_traceback_and_the_next_is_done(
    app: APIFlask, redis: "Redis", answer: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    enqueue(jobs.fail, "boom")
    enqueue(jobs.remember, "anna")
    answer()
    assert remembered(redis) == ["anna"]
    assert "ZeroDivisionError: boom" in caplog.text
    outcomes = [record.getMessage() for record in caplog.records if "outcome=" in record.getMessage()]
    assert outcomes[0].startswith('job=tests.workers.jobs.fail args=["boom"] ms=')
    assert [line.rsplit("=", 1)[1] for line in outcomes] == ["failed", "done"]


def test_a_job_that_takes_too_long_is_stopped(
    app: APIFlask, answer: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    enqueue(jobs.sleep_on)
    answer()
    assert time.monotonic() - began < 5
    assert "JobTimeoutException" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["tests.workers.jobs.plain", "tests.workers.jobs.NOT_A_JOB", "os.system", "app.queue.enqueue", "app.none.x", "x"],
)
def test_whoever_can_write_to_redis_can_run_nothing_but_jobs(
    name: str, app: APIFlask, redis: "Redis", answer: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """S5: no pickle, no dotted name that is not a Job."""
    Queue("quick", connection=redis, serializer=JSONSerializer).enqueue_call(name, args=("touch /tmp/x",))
    answer()
    assert remembered(redis) == []
    assert "LookupError" in caplog.text or "ModuleNotFoundError" in caplog.text


def test_no_callback_of_a_job_is_imported(app: APIFlask, redis: "Redis", answer: Callable[[], None]) -> None:
    """S5: RQ would call what the job's own record names."""
    queue = Queue("quick", connection=redis, serializer=JSONSerializer)
    job = queue.enqueue_call(jobs.remember.name, args=("anna",))
    redis.hset(f"rq:job:{job.id}", "success_callback_name", "tests.workers.jobs.plain")
    answer()
    assert remembered(redis) == ["anna"]


def test_a_worker_has_a_transport_and_the_web_has_none(app: APIFlask) -> None:
    assert "letterbond.transport" not in app.extensions
    runtime.equip(app, Stop())
    transport = app.extensions["letterbond.transport"]()
    assert transport.send(MailObject(1, "a@b.example", "c@d.example", b"")).result == "unreachable"


@pytest.fixture
def worker(app: APIFlask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A worker of the queue long in a process of its own."""
    app.extensions["letterbond.database"].close()
    child = Child("long", lambda stop: runtime.work(app, "long", stop), tmp_path_factory.mktemp("log"))
    child.start()
    yield child
    child.send(signal.SIGKILL)
    wait_for(lambda: not child.runs or bool(child.ended()))


def test_a_worker_gives_a_sign_of_life(app: APIFlask, worker: Child) -> None:
    wait_for(lambda: health()["workers"]["long"]["count"] == 1)
    worker.send(signal.SIGTERM)
    wait_for(lambda: bool(worker.ended()))
    assert health()["workers"]["long"]["count"] == 0


def test_sigterm_lets_the_current_piece_end(app: APIFlask, redis: "Redis", worker: Child) -> None:
    """Q2."""
    enqueue(jobs.work_until_stopped)
    wait_for(lambda: remembered(redis) == ["began"])
    worker.send(signal.SIGTERM)
    endings: list[str] = []
    wait_for(lambda: bool(endings.append(worker.ended() or "") or endings[-1]))
    assert endings[-1] == "exit status 0"
    assert remembered(redis) == ["began", "stopped in order"]


def test_a_flushed_redis_does_not_end_a_worker(app: APIFlask, redis: "Redis", worker: Child) -> None:
    """Q3."""
    wait_for(lambda: health()["workers"]["long"]["count"] == 1)
    redis.flushall()
    enqueue(jobs.work_until_stopped)
    wait_for(lambda: remembered(redis) == ["began"])
    assert current_redis().ping()
