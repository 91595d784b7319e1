"""The built-in mailbox as any mail client sees it."""

import asyncio
import os
import signal
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.mailbox.store import Store
from tests.workers.test_runtime import wait_for
from workers import catcher
from workers.child import Child
from workers.embedded import free_port
from workers.stopping import Stop

CONTENT = b"Subject: Hello\r\n\r\nText\r\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "mailbox.db")


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    """Of a mailbox that runs in a thread."""
    stop, listening = Stop(), free_port()
    thread = threading.Thread(target=catcher.serve, args=(store, listening, stop))
    thread.start()
    yield listening.getsockname()[1]
    stop.ask()
    thread.join(5)


@pytest.fixture
def mailbox(store: Store, tmp_path: Path) -> Iterator[tuple[Child, int]]:
    """One that runs in a process of its own, and its port."""
    listening = free_port()
    child = Child("mailbox", lambda stop: catcher.serve(store, listening, stop), tmp_path / "log")
    child.start()
    yield child, listening.getsockname()[1]
    child.send(signal.SIGKILL)
    wait_for(lambda: not child.runs or bool(child.ended()))
    listening.close()


class Wire:
    """A client that sends exactly these bytes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 5)
        self._file = self._socket.makefile("rb")
        assert self.reply() == "220"

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reply(self) -> str:
        while True:
            line = self._file.readline()
            if line[3:4] != b"-":
                return line[:3].decode()

    def replies(self, count: int) -> list[str]:
        return [self.reply() for _ in range(count)]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def wire(port: int) -> Iterator[Wire]:
    wire = Wire(port)
    yield wire
    wire.close()


ENVELOPE = b"MAIL FROM:<a@b.example> SIZE=20\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"


def test_a_mail_from_pythons_own_client_is_stored_as_it_was_sent(port: int, store: Store) -> None:
    content = b"Subject: Hello\r\n\r\n.\r\n..\r\n.hidden\r\n"
    with smtplib.SMTP("127.0.0.1", port, local_hostname="test") as client:
        client.sendmail("a@b.example", ["c@d.example", "e@f.example"], content)
    caught = list(store.since(0))
    assert [(mail.sender, mail.recipient, mail.subject, raw) for mail, raw in caught] == [
        ("a@b.example", "c@d.example", "Hello", content),
        ("a@b.example", "e@f.example", "Hello", content),
    ]


def test_commands_may_come_all_at_once(wire: Wire, store: Store) -> None:
    """RFC 2920: the end of one mail and the start of the next in one packet, replies in order."""
    one = ENVELOPE + CONTENT + b".\r\n"
    wire.send(b"EHLO test\r\n" + one + one + b"QUIT\r\n")
    assert wire.replies(10) == ["250", *["250", "250", "354", "250"] * 2, "221"]
    assert store.search()[1] == 2


def test_a_mail_may_come_byte_by_byte(wire: Wire, store: Store) -> None:
    for byte in b"HELO test\r\n" + ENVELOPE + CONTENT + b".\r\n":
        wire.send(bytes([byte]))
    assert wire.replies(5) == ["250", "250", "250", "354", "250"]
    assert [raw for _, raw in store.since(0)] == [CONTENT]


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r"])
def test_only_the_true_end_ends_a_mail(end: bytes, wire: Wire, store: Store) -> None:
    """SMTP smuggling: what other servers take for the end is text here."""
    wire.send(ENVELOPE + b"first" + end + b"MAIL FROM:<evil@example.org>\r\n.\r\n")
    assert wire.replies(4) == ["250", "250", "354", "250"]
    ((_, raw),) = store.since(0)
    assert b"evil" in raw


def test_an_empty_mail_is_a_mail(wire: Wire, store: Store) -> None:
    wire.send(ENVELOPE + b".\r\n")
    assert wire.replies(4)[-1] == "250"
    assert [raw for _, raw in store.since(0)] == [b""]


def test_a_mail_that_is_too_large_is_refused_and_the_next_is_taken(
    wire: Wire, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catcher, "MAX_SIZE", 1000)
    wire.send(ENVELOPE)
    wire.send(b"x" * 600 + b"\r\n")
    time.sleep(0.05)
    for _ in range(20):
        wire.send(b"x" * 600 + b"\r\n")
        time.sleep(0.002)
    wire.send(b".\r\n" + ENVELOPE + CONTENT + b".\r\n")
    assert wire.replies(8) == ["250", "250", "354", "552", "250", "250", "354", "250"]
    assert store.search()[1] == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"RCPT TO:<a@b.example>", "503"),
        (b"DATA", "503"),
        (b"MAIL FROM:a@b.example", "501"),
        (b"MAIL FROM:<a@b.example> SIZE=99999999999", "552"),
        (b"RCPT TO:<>", "501"),
        (b"__INIT__", "502"),
        (b"STARTTLS", "502"),
        (b"\xff\xfe", "502"),
        (b"", "502"),
        (b"NOOP", "250"),
        (b"RSET", "250"),
        (b"VRFY x", "252"),
    ],
)
def test_a_command_out_of_place_gets_its_reply(line: bytes, code: str, wire: Wire) -> None:
    wire.send(line + b"\r\n")
    assert wire.reply() == code


def test_a_line_without_end_is_cut_off(wire: Wire) -> None:
    wire.send(b"x" * 5000)
    assert wire.reply() == "500"
    assert wire.reply() == ""


def test_what_cannot_be_stored_is_not_accepted(wire: Wire, store: Store, tmp_path: Path) -> None:
    """Q5: nothing is said to be stored that is not."""
    store.close()
    (tmp_path / "mailbox.db").write_bytes(b"this is no database" * 1000)
    wire.send(ENVELOPE + CONTENT + b".\r\n")
    assert wire.replies(4)[-1] == "452"


def test_what_was_accepted_survives_kill_9(mailbox: tuple[Child, int], store: Store) -> None:
    child, port = mailbox
    with smtplib.SMTP("127.0.0.1", port, local_hostname="test") as client:
        for _ in range(50):
            client.sendmail("a@b.example", ["c@d.example"], CONTENT)
        child.send(signal.SIGKILL)
        wait_for(lambda: child.ended() == "killed by SIGKILL")
    assert store.search()[1] == 50


def test_it_takes_a_thousand_mails_a_second(mailbox: tuple[Child, int], store: Store) -> None:
    """A demonstration campaign must not wait for its mailbox."""
    _child, port = mailbox
    count, connections = 2000, 8
    body = ENVELOPE + b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 400 + b".\r\n"

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        for _ in range(count // connections):
            writer.write(body)
            for _ in range(4):
                await reader.readline()
        writer.close()
        await writer.wait_closed()

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(connections)))

    began = time.perf_counter()
    # In a thread of its own: where browser tests have run, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, send_all()).result()
    rate = count / (time.perf_counter() - began)
    assert store.search()[1] == count
    # Of a machine that others use too.
    assert rate > 1000 / max(1, os.getloadavg()[0]), f"{rate:.0f} mails a second"
