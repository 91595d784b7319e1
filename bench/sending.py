"""One run of the sending benchmark: an installation, an audience, senders that start together, and what they cost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from apiflask import APIFlask

from app.campaigns.layouts import Layout
from app.db import transaction, utc_now
from app.delivery import launch
from bench import installation
from bench.processes import cpu_seconds
from bench.sink_process import SinkProcess
from bench.stages import Sampler
from bench.valkey import Valkey
from tests.postgres import Postgres, create_database

DATABASES = ("sqlite", "postgresql")
# As in production: what is committed is on the disk.
_POSTGRES = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB"}
_PATIENCE = 1800.0
# Of a larger audience no more is sent: its memory is asked for, not its end.
_ENOUGH = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario. `share` of the messages is sent; with `queued`, so many wait and the sending is stopped midway."""

    letter: Callable[[], Layout]
    dkim: str = ""
    latency: float = 0.0
    connections: int = 0
    orders: int = 4
    share: float = 1.0
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. Times are microseconds a message where they are called so, memory is MB."""

    messages: int
    per_second: float
    sender_us: float
    sink_us: float
    database_us: float
    peak_mb: float
    launch_seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_us(self) -> float:
        """Of all that took part."""
        return self.sender_us + self.sink_us + self.database_us


def run(plan: Plan, database: str, folder: Path, senders: int, messages: int, *, stages: bool = False) -> Run:
    """Measure a scenario on a database."""
    place = folder / f"run-{time.monotonic_ns()}"
    place.mkdir()
    options = ("--latency", str(plan.latency)) if plan.latency else ()
    valkey = Valkey(place)
    try:
        with _database(database, place) as (url, server), SinkProcess(place, *options) as sink:
            smtp_url = f"smtp://127.0.0.1:{sink.port}{_options(plan)}"
            settings = installation.environment(place, url, smtp_url, valkey.url) | {"BENCH_SIGN": plan.dkim}
            app = installation.install(settings)
            campaign_id, took = _launch(app, plan, plan.queued or int(messages * plan.share))
            app.extensions["letterbond.database"].close()
            crew = _Crew(settings, campaign_id, senders, place, stages=stages)
            return _measure(crew, sink, server, plan, took)
    finally:
        valkey.kill()


def _options(plan: Plan) -> str:
    """Without a number each sender opens as many connections as it does by default."""
    return f"?connections={plan.connections}" if plan.connections else ""


def _launch(app: APIFlask, plan: Plan, people: int) -> tuple[int, float]:
    """A campaign whose ledger is written, and how long that took."""
    with app.app_context():
        with transaction() as session:
            installation.add_people(session, people, orders=plan.orders)
            campaign_id = installation.add_campaign(session, plan.letter())
            if plan.dkim == "rsa":
                installation.sign(session)
        began = time.perf_counter()
        with transaction() as session:
            assert launch.launch(session, campaign_id, utc_now())
        return campaign_id, time.perf_counter() - began


def _measure(crew: "_Crew", sink: SinkProcess, server: int, plan: Plan, took: float) -> Run:
    sink_before, server_before = cpu_seconds(sink.pid), cpu_seconds(server) if server else 0.0
    began = time.time()
    costs = crew.send(sink, _ENOUGH if plan.queued > _ENOUGH else 0)
    taken = sink.audit()
    sink_cpu, server_cpu = cpu_seconds(sink.pid) - sink_before, (cpu_seconds(server) if server else 0.0) - server_before

    def each(seconds: float) -> float:
        return seconds / max(taken.accepted, 1) * 1e6

    return Run(
        taken.accepted,
        taken.accepted / max(taken.last - began, 0.001),
        each(sum(cost["cpu_seconds"] for cost in costs)),
        each(sink_cpu),
        each(server_cpu),
        max(cost["peak_rss_mb"] for cost in costs),
        took,
        crew.stages(),
    )


class _Crew:
    """Sender processes that wait for the word."""

    def __init__(self, settings: dict[str, str], campaign_id: int, count: int, place: Path, *, stages: bool) -> None:
        command = [sys.executable, "-m", "bench.sender", str(campaign_id)]
        self._log = place / "senders.log"
        log = self._log.open("wb")
        self._processes = [
            subprocess.Popen(
                command, env=os.environ | settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
            for _ in range(count)
        ]
        log.close()
        for each in self._processes:
            assert each.stdout
            if each.stdout.readline() != "ready\n":
                raise RuntimeError(f"a sender does not start: {self._last_words()}")
        self._sampler = Sampler(self._processes[0].pid, place) if stages else None

    def send(self, sink: SinkProcess, enough: int) -> list[dict[str, float]]:
        """Let them send, all or until there is enough; what each of them cost."""
        for each in self._processes:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        until = time.monotonic() + _PATIENCE
        while enough and sink.accepted() < enough and time.monotonic() < until:
            time.sleep(0.1)
        if enough:
            for each in self._processes:
                each.send_signal(signal.SIGTERM)
        answers = [each.communicate(timeout=_PATIENCE)[0] for each in self._processes]
        # The signal may end one that has just said what it cost, and was on its way out.
        if not all(answer.strip() for answer in answers):
            raise RuntimeError(f"a sender failed: {self._last_words()}")
        return [json.loads(answer.splitlines()[-1]) for answer in answers]

    def _last_words(self) -> str:
        return self._log.read_text()[-2000:]

    def stages(self) -> dict[str, float]:
        """The shares of the stages, if they were asked for."""
        return self._sampler.shares() if self._sampler else {}


@contextmanager
def _database(name: str, place: Path) -> Iterator[tuple[str, int]]:
    """An empty database and its server's process, 0 for none."""
    if name == "sqlite":
        yield f"sqlite:///{place / 'letterbond.db'}", 0
        return
    folder = place / "postgres"
    folder.mkdir()
    place.chmod(0o755)
    server = Postgres(folder, **_POSTGRES)
    try:
        yield create_database(server.url.render_as_string(hide_password=False), "bench"), server.process.pid
    finally:
        server.stop()
