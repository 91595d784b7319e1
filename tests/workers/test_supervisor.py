"""All of Letterbond, really started and really killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from app.config import SETTINGS
from tests.sink import Sink
from tests.workers.test_runtime import wait_for

PARTS = {"valkey", "mailbox", "quick", "long", "send-1", "send-2", "timetable", "web"}
Start = Callable[..., "Running"]


class Running:
    """`letterbond run` in a process group of its own, as a terminal would start it."""

    def __init__(self, home: Path, preexec: Callable[[], object] | None = None, **settings: str) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        environment |= {"LETTERBOND_HOME": str(home), "PORT": str(self.port), **settings}
        self.output = home.parent / f"{home.name}.out"
        self.errors = home.parent / f"{home.name}.err"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers", "run"],
                env=environment,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                preexec_fn=preexec,
            )

    @property
    def line(self) -> str:
        return self.output.read_text()

    def ready(self) -> "Running":
        wait_for(lambda: "is running" in self.line or self.process.poll() is not None, 30)
        assert self.process.poll() is None, self.errors.read_text()
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not self.family())

    def ended(self, seconds: float = 30) -> int:
        return self.process.wait(seconds)

    def said(self, words: str) -> bool:
        return words in self.errors.read_text()

    def family(self) -> set[int]:
        """All processes of its session, without the ones that have ended."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                except OSError:
                    continue
                if int(session) == self.process.pid and state != "Z":
                    found.add(int(entry.name))
        return found

    def children(self) -> list[int]:
        words = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(word) for word in words]

    def pid_of(self, part: str) -> int:
        """0 while it is being started again. A part is known by its log file."""
        log = self.home / "log" / f"{part}.log"
        try:
            return next((pid for pid in self.children() if Path(f"/proc/{pid}/fd/1").readlink() == log), 0)
        except OSError:
            return 0

    def health(self) -> dict[str, dict[str, object]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        state: dict[str, dict[str, object]] = json.loads(answer.read())
        connection.close()
        assert (answer.status == 200) is state["ok"]
        return state

    def is_well(self) -> bool:
        try:
            return bool(self.health()["ok"])
        except OSError:
            return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def begin(name: str = "home", preexec: Callable[[], object] | None = None, **settings: str) -> Running:
        running.append(Running(tmp_path / name, preexec, **settings))
        return running[-1]

    yield begin
    for each in running:
        each.kill()


@pytest.fixture(scope="module")
def letterbond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that runs, for tests that only look."""
    running = Running(tmp_path_factory.mktemp("shared") / "home").ready()
    yield running
    running.kill()


def test_it_starts_all_parts_says_one_line_and_stops_in_order(start: Start) -> None:
    letterbond = start().ready()
    address = f"http://127.0.0.1:{letterbond.port}"
    assert re.fullmatch(
        rf"Letterbond is running at {address} · set up here, once: {address}/setup/\S+\n", letterbond.line
    )
    assert {file.stem for file in (letterbond.home / "log").glob("*.log")} == PARTS
    os.killpg(letterbond.process.pid, signal.SIGINT)
    began = time.monotonic()
    assert letterbond.ended() == 0
    assert time.monotonic() - began < 10
    assert letterbond.family() == set()
    assert letterbond.errors.read_text() == ""


def test_ctrl_c_stops_it_when_a_script_started_it_in_the_background(start: Start) -> None:
    letterbond = start(preexec=partial(signal.signal, signal.SIGINT, signal.SIG_IGN)).ready()
    os.killpg(letterbond.process.pid, signal.SIGINT)
    assert letterbond.ended() == 0
    assert letterbond.family() == set()


def test_healthz_says_how_each_part_is(letterbond: Running) -> None:
    state = letterbond.health()
    assert state["ok"] is True
    assert state["database"]["ok"] is True
    assert set(state["queue"]["waiting"]) == {"quick", "long", "send"}
    workers = state["workers"]
    assert {name: workers[name]["count"] for name in ("quick", "long", "send")} == {"quick": 1, "long": 1, "send": 2}
    assert state["timetable"]["seconds_ago"] in range(5)


def test_a_part_that_dies_is_started_again(start: Start) -> None:
    letterbond = start().ready()
    for victim in letterbond.children():
        os.kill(victim, signal.SIGKILL)
    wait_for(lambda: all(letterbond.said(f"{part} died (killed by SIGKILL)") for part in PARTS))
    wait_for(lambda: len(letterbond.children()) == len(PARTS) and letterbond.is_well(), 20)
    letterbond.process.terminate()
    assert letterbond.ended() == 0


def test_a_queue_that_is_killed_takes_nobody_with_it(start: Start) -> None:
    """Q3: workers and timetable wait for it, say so once, and go on."""
    letterbond = start().ready()
    valkey = letterbond.pid_of("valkey")
    others = {pid for pid in letterbond.children() if pid != valkey}
    os.kill(valkey, signal.SIGKILL)
    wait_for(lambda: letterbond.pid_of("valkey") not in (0, valkey))
    wait_for(letterbond.is_well, 20)
    assert others <= set(letterbond.children())
    assert not [line for line in letterbond.errors.read_text().splitlines() if "died" in line and "valkey" not in line]


def test_the_port_of_the_mailbox_outlives_the_mailbox(start: Start) -> None:
    letterbond = start().ready()
    log = letterbond.home / "log" / "mailbox.log"
    (first,) = re.findall(r"catching mail on \S+:(\d+)", log.read_text())
    os.kill(letterbond.pid_of("mailbox"), signal.SIGKILL)
    wait_for(lambda: log.read_text().count("catching mail") == 2)
    assert re.findall(r"catching mail on \S+:(\d+)", log.read_text()) == [first, first]


def test_kill_9_of_the_supervisor_leaves_no_orphans(start: Start) -> None:
    letterbond = start().ready()
    assert len(letterbond.family()) > len(PARTS)
    letterbond.process.kill()
    letterbond.ended()
    wait_for(lambda: not letterbond.family(), 5)
    again = start().ready()
    assert again.is_well()


def test_a_part_that_will_not_live_stops_everything(start: Start) -> None:
    letterbond = start().ready()

    def kill_long() -> bool:
        if pid := letterbond.pid_of("long"):
            os.kill(pid, signal.SIGKILL)
        return letterbond.process.poll() is not None

    wait_for(kill_long, 40)
    assert letterbond.ended() == 1
    assert letterbond.said("long died 5 times in 30 seconds (killed by SIGKILL)")
    assert letterbond.family() == set()


def test_a_port_in_use_is_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        letterbond = start(PORT=port)
        assert letterbond.ended() == 2
    said = letterbond.errors.read_text()
    assert said == f"letterbond: PORT: {port} is in use by another program, choose another one\n"


def test_a_home_in_use_is_one_sentence(letterbond: Running, start: Start) -> None:
    second = start(LETTERBOND_HOME=str(letterbond.home))
    assert second.ended() == 2
    said = second.errors.read_text()
    holder = f"process {letterbond.process.pid}"
    assert said == (
        f"letterbond: LETTERBOND_HOME: {letterbond.home} is used by a Letterbond that runs already ({holder})\n"
    )
    assert letterbond.is_well()


def test_two_run_side_by_side(letterbond: Running, start: Start) -> None:
    assert start("other").ready().is_well()
    assert letterbond.is_well()


def test_a_home_with_a_very_long_name_works(start: Start) -> None:
    """A unix socket's path has at most 108 bytes."""
    letterbond = start("long-" * 25).ready()
    assert letterbond.is_well()
    letterbond.process.terminate()
    assert letterbond.ended() == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
        ("SMTP_URL", "localhost:25"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(setting: str, value: str, start: Start) -> None:
    letterbond = start(**{setting: value})
    assert letterbond.ended() == 2
    said = letterbond.errors.read_text()
    assert said.startswith(f"letterbond: {setting}: ")
    assert said.count("\n") == 1, said
    assert letterbond.line == ""
    assert letterbond.family() == set()


def test_a_server_that_is_no_redis_is_named(start: Start) -> None:
    with Sink() as sink:
        letterbond = start(REDIS_URL=f"redis://127.0.0.1:{sink.port}/0")
        assert letterbond.ended() == 2
    assert letterbond.said("letterbond: REDIS_URL: no Redis or Valkey answers")


def test_a_queue_of_ones_own_is_used(start: Start, valkey: str) -> None:
    letterbond = start(REDIS_URL=valkey).ready()
    assert letterbond.is_well()
    assert not (letterbond.home / "log" / "valkey.log").exists()


def test_logs_name_no_reader(letterbond: Running) -> None:
    """T5: no address and no user agent of a visitor in any log."""
    connection = HTTPConnection("127.0.0.1", letterbond.port, timeout=5)
    connection.request("GET", "/nowhere", headers={"User-Agent": "canary-agent", "X-Forwarded-For": "203.0.113.77"})
    connection.getresponse().read()
    connection.close()
    logs = "".join(file.read_text() for file in (letterbond.home / "log").glob("*.log"))
    assert "canary-agent" not in logs
    assert "203.0.113.77" not in logs
