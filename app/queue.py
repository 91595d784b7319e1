"""The doorbell: background jobs by name, rung on Redis and answered by the workers. The only import of rq in app/.

SQL is the truth: a job says "look into the database, there may be work", so a lost bell loses nothing (the timetable
rings again) and one rung twice does nothing twice. A bell that is ringing already is not rung again. Arguments are
JSON, never pickle. Not in charge of: running jobs (`workers/runtime.py`) and when (`Feature.timetable`).
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

# quick: seconds at most, never waits behind long work. long: imports and rebuilds. send: the campaigns.
QUEUES = ("quick", "long", "send")
_HOUR = 3600
# How long a bell counts as ringing when nobody answers it: a Redis that dies may lose the job and keep the bell. A
# campaign needs two of them, so this is half of what it may stand still after an outage.
_RINGING_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Job:
    """A function that workers may run; calling it runs it here and now (tests do)."""

    function: Callable[..., None]
    queue: str
    timeout: int

    @property
    def name(self) -> str:
        """The dotted path by which a worker finds it."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def __call__(self, *args: Any) -> None:
        """Run in this process."""
        self.function(*args)


def job(queue: str, timeout: int = _HOUR) -> Callable[[Callable[..., None]], Job]:
    """Make a function a job of `queue` that is stopped after `timeout` seconds."""
    if queue not in QUEUES:
        raise ValueError(f"no such queue: {queue}")

    def declare(function: Callable[..., None]) -> Job:
        return Job(function, queue, timeout)

    return declare


@dataclass(frozen=True, slots=True)
class Timed:
    """A line of the timetable: ring for `job` every so often, the first time at start."""

    job: Job
    every: timedelta


def connect(url: str, wait: float | None = None) -> "Redis":
    """A client for `url` that gives up quickly: a page must not hang because the doorbell is broken.

    `wait`: so many seconds at most for an answer; None for commands that wait for something.
    """
    return Redis.from_url(url, socket_connect_timeout=wait or 2, socket_timeout=wait)


def redis() -> "Redis":
    """The running app's Redis or Valkey."""
    found: Redis = current_app.extensions["letterbond.redis"]
    return found


def bell(name: str, args: tuple[Any, ...]) -> str:
    """The key that exists while this bell is ringing."""
    return "letterbond:bell:" + name + json.dumps(args)


def enqueue(called: Job, *args: Any) -> bool:
    """Ring for a job after the transaction that made its work has committed; True if somebody will hear it.

    False when it is ringing already or Redis is away: then the timetable's next round does it.
    """
    try:
        if not redis().set(bell(called.name, args), 1, nx=True, ex=_RINGING_SECONDS):
            return False
        queue = Queue(called.queue, connection=redis(), serializer=JSONSerializer)
        queue.enqueue_call(called.name, args=args, timeout=called.timeout, result_ttl=0, failure_ttl=86400)
    except RedisError as error:
        log.warning("the queue is away, %s waits for the timetable: %s", called.name, error)
        return False
    return True
