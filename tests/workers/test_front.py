"""Hits at the door of the real web server, beside requests that take the long way, through kills and stops."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from app.campaigns.models import Campaign, Link
from app.campaigns.urls import TrackedUrls
from app.config import SETTINGS
from app.db import Base, Database
from app.tokens import Tokens
from tests import make
from tests.workers.test_runtime import wait_for

SECRET = "s" * 64


@dataclass
class Web:
    """A running `letterbond web` and the addresses of a mail."""

    process: "subprocess.Popen[bytes]"
    port: int
    home: Path
    urls: TrackedUrls

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def kept(self) -> list[bytes]:
        return [line for file in (self.home / "spool").iterdir() for line in file.read_bytes().splitlines()]

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    home = tmp_path_factory.mktemp("front")
    _campaign(f"sqlite:///{home}/letterbond.db")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {"LETTERBOND_HOME": str(home), "PORT": str(port), "SECRET_KEY": SECRET}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "workers", "web"], env=environment, stdout=log, stderr=log)
    found = Web(process, port, home, TrackedUrls(Tokens(SECRET), "", 1, 1))
    wait_for(lambda: _answers(port), 30)
    for path in (found.urls.pixel, found.urls.link(0)):
        # Both processes get to know the campaign.
        for _ in range(20):
            _get(port, path)
    yield found
    process.terminate()
    process.wait()


def _campaign(url: str) -> None:
    database = Database(url)
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        sender = make.sender(session)
        session.add(Campaign(id=1, name="x", sender_id=sender.id, created_at=make.THEN, updated_at=make.THEN))
        session.flush()
        session.add(Link(campaign_id=1, position=0, target="https://shop.example/cheese"))
    database.close()


def _answers(port: int) -> bool:
    try:
        return _get(port, "/setup") == 200
    except OSError:
        return False


def _get(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def _request(path: str, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: news.example\r\nUser-Agent: Mozilla/5.0 Test\r\n{more}\r\n".encode()


def _read(connection: socket.socket) -> tuple[int, bytes]:
    """Status and head of one answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(1)
        if not more:
            raise EOFError
        got += more
    head = got.lower()
    length = int(head.partition(b"content-length:")[2].split()[0]) if b"content-length:" in head else 0
    while length:
        length -= len(connection.recv(length))
    return int(got.split()[1]), got


def test_one_connection_carries_hits_and_pages_in_any_order(web: Web) -> None:
    before = len(web.kept())
    with web.connect() as connection:
        for path, status in [
            (web.urls.pixel, 200),
            ("/setup", 200),
            (web.urls.link(0), 302),
            ("/o/nonsense.gif", 404),
            (web.urls.link(0) + "?utm=1", 302),
            (web.urls.pixel, 200),
        ]:
            connection.sendall(_request(path))
            assert _read(connection)[0] == status
    assert len(web.kept()) == before + 4


def test_requests_in_pieces_and_in_heaps_are_each_answered(web: Web) -> None:
    before = len(web.kept())
    whole = _request(web.urls.link(0))
    with web.connect() as connection:
        connection.sendall(whole[:20])
        time.sleep(0.2)
        connection.sendall(whole[20:])
        assert _read(connection)[0] == 302
        connection.sendall(whole * 3)
        assert [_read(connection)[0] for _ in range(3)] == [302] * 3
        connection.sendall(whole)
        assert _read(connection)[0] == 302
    assert len(web.kept()) == before + 5


def test_bodies_and_other_methods_take_the_long_way(web: Web) -> None:
    before = len(web.kept())
    with web.connect() as connection:
        connection.sendall(_request(web.urls.link(0), "POST", "Content-Length: 5\r\n") + b"hello")
        assert _read(connection)[0] == 405
        connection.sendall(_request(web.urls.link(0), more="Content-Length: 5\r\n") + b"hello")
        assert _read(connection)[0] == 302
        connection.sendall(_request(web.urls.link(0), more="Connection: close\r\n"))
        assert b"Connection: close" in _read(connection)[1]
        assert connection.recv(1) == b""
    assert len(web.kept()) == before + 2


def test_a_silent_or_vanished_visitor_blocks_nobody(web: Web) -> None:
    silent = [web.connect() for _ in range(40)]
    for connection in silent[:20]:
        connection.close()
    with web.connect() as connection:
        connection.sendall(_request(web.urls.link(0)))
        assert _read(connection)[0] == 302
        connection.sendall(_request("/setup"))
        assert _read(connection)[0] == 200
    # Whoever says nothing for two seconds is shown out.
    for connection in silent[20:]:
        assert connection.recv(1) == b""
        connection.close()


def test_kill_9_of_a_worker_loses_no_hit_that_was_answered(web: Web) -> None:
    before = len(web.kept())
    answered: list[int] = []
    until = time.monotonic() + 1.5
    threads = [threading.Thread(target=lambda: answered.append(_hit_until(web, until))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        os.kill(web.workers()[0], signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert sum(answered) > 100
    # What was kept and not answered any more: at most one hit for each connection and kill.
    assert sum(answered) <= len(web.kept()) - before <= sum(answered) + 3 * len(threads)
    wait_for(lambda: len(web.workers()) == 2, 20)


def _hit_until(web: Web, until: float) -> int:
    answered = 0
    while time.monotonic() < until:
        try:
            with web.connect() as connection:
                while time.monotonic() < until:
                    connection.sendall(_request(web.urls.link(0)))
                    assert _read(connection)[0] == 302
                    answered += 1
        except (OSError, EOFError):
            continue
    return answered


def test_an_orderly_stop_answers_who_is_speaking_and_ends(web: Web) -> None:
    with web.connect() as connection:
        connection.sendall(_request(web.urls.link(0)))
        assert _read(connection)[0] == 302
        web.process.terminate()
        time.sleep(0.5)
        connection.sendall(_request(web.urls.link(0)))
        status, head = _read(connection)
        assert (status, b"Connection: close" in head) == (302, True)
    assert web.process.wait(15) == 0
