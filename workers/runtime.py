"""A worker: takes jobs of one queue, one at a time, and survives all of them.

One queue per process: only then does RQ move a job with LMOVE instead of popping it (TRUST, finding 5).
Only `app.queue.Job` objects are run: whoever can write to Redis may ring a bell, and nothing more. The
outside world of a worker, its Transport, is put into the app here and nowhere else.
Not in charge of: what jobs do, and of bells that were lost (`workers/schedule.py` rings again).
"""

import gc
import importlib
import json
import logging
import os
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import rq
from flask import Flask
from redis import Redis, RedisError
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer

from app.config import Config
from app.health import BEAT_SECONDS, WORKER_KEY
from app.queue import Job, bell, connect, redis
from workers.outage import Outage
from workers.smtp import SmtpTransport
from workers.smtp.limits import SharedLimits
from workers.smtp.mx import MxHosts
from workers.smtp.providers import Providers
from workers.stopping import Stop

log = logging.getLogger(__name__)

# How long a worker waits for a bell before it looks whether it should stop.
_LISTEN_SECONDS = 1


class _Call(rq.job.Job):
    """An RQ job that can do nothing but call one of our Jobs."""

    # RQ would import and call, or post to, whatever Redis says.
    success_callback = failure_callback = stopped_callback = None
    webhooks: list[Any] = []  # noqa: RUF012

    def perform(self) -> None:
        """Run it in the app, and say in one line how that went."""
        name, args = str(self.func_name), tuple(self.args)
        redis().delete(bell(name, args))
        began, outcome = time.perf_counter(), "failed"
        try:
            find(name)(*args)
            outcome = "done"
        except Exception:
            log.exception("%s%s failed", name, args)
            raise
        finally:
            ms = (time.perf_counter() - began) * 1000
            log.info("job=%s args=%s ms=%.0f outcome=%s", name, json.dumps(args), ms, outcome)


def find(name: str) -> Job:
    """The Job of this dotted name; raise LookupError when it is anything else."""
    module_name, _, attribute = name.rpartition(".")
    module = sys.modules.get(module_name)
    if module is None and module_name.startswith("app."):
        module = importlib.import_module(module_name)
    found = getattr(module, attribute, None)
    if not isinstance(found, Job):  # a wrong name rather than a wrong type
        raise LookupError(f"{name} is not a job")  # noqa: TRY004
    return found


class Worker(rq.SimpleWorker):
    """RQ's worker in one process, with our own way to wait and to stop."""

    def __init__(self, app: Flask, queue: str, stop: Stop, connection: "Redis", outage: Outage) -> None:
        self._app, self._stop, self._outage = app, stop, outage
        super().__init__([queue], connection=connection, serializer=JSONSerializer, job_class=_Call)

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:  # noqa: ARG002
        """The next job, or None when it is time to stop."""
        while not self._stop():
            try:
                return self._dequeue()
            except DequeueTimeout:
                self._outage.over()
            except RedisError as error:
                self._outage.note(error)
                self._stop.wait(_LISTEN_SECONDS)
        return None

    def _dequeue(self) -> Any:
        self.heartbeat()
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        return self.queue_class.dequeue_any(
            self.queues,
            _LISTEN_SECONDS,
            connection=self.connection,
            job_class=self.job_class,
            serializer=self.serializer,
            death_penalty_class=self.death_penalty_class,
        )

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run it in an app context of its own."""
        with self._app.app_context():
            super().execute_job(job, queue)

    def handle_exception(self, job: Any, *exc_info: Any) -> None:
        """Say nothing more: _Call.perform has."""

    def subscribe(self) -> None:
        """Take no orders through Redis."""

    def _install_signal_handlers(self) -> None:
        """Leave them to the process (workers/stopping.py)."""


def work(app: Flask, queue: str, stop: Stop) -> None:
    """Do the jobs of `queue` until told to stop; a Redis that is away is waited for."""
    config: Config = app.extensions["letterbond.config"]
    equip(app, stop)
    connection = connect(config.redis_url)
    beating = threading.Thread(target=_beat, args=(config.redis_url, queue, stop), daemon=True)
    beating.start()
    log.info("waiting for jobs of %s", queue)
    outage = Outage()
    while not stop():
        try:
            Worker(app, queue, stop, connection, outage).work(logging_level="WARNING")
        except RedisError as error:
            outage.note(error)
        stop.wait(_LISTEN_SECONDS)
    beating.join(_LISTEN_SECONDS)
    log.info("stopped")


def equip(app: Flask, stop: Stop) -> None:
    """Give an app what only workers have."""
    config: Config = app.extensions["letterbond.config"]
    own_name = urlsplit(config.base_url).hostname or "localhost"
    app.extensions["letterbond.stopping"] = stop
    # The built-in mailbox takes all that comes; real relays hand on to providers that do not.
    providers = None if config.embedded_mailbox else Providers(MxHosts())
    limits = SharedLimits(connect(config.redis_url, wait=1))
    transport = SmtpTransport(config.relays, own_name, limits=limits, providers=providers)
    app.extensions["letterbond.transport"] = lambda: transport
    # What stands here stands for good: the collector of cycles need not go through it with every thousand rows.
    gc.freeze()


def _beat(url: str, queue: str, stop: Stop) -> None:
    """Say that this process lives, also in the middle of a job that takes an hour."""
    connection = connect(url)
    key = f"{WORKER_KEY}{queue}:{socket.gethostname()}-{os.getpid()}"
    while not stop():
        try:
            connection.set(key, int(time.time()), ex=BEAT_SECONDS * 4)
        except RedisError:
            log.debug("no sign of life could be given")
        stop.wait(BEAT_SECONDS)
    try:
        connection.delete(key)
    except RedisError:
        log.debug("the last sign of life expires by itself")
