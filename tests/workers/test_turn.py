"""What is written in one turn of the loop leaves together, and is in no doubt before."""

from collections.abc import Callable
from typing import Any

import pytest

from app.transport import MailObject, Outcome
from tests.workers.test_sending import Book
from workers.smtp.connection import Connection
from workers.smtp.envelope import Offers
from workers.smtp.parcel import Parcel
from workers.smtp.times import Times
from workers.smtp.turn import Turn


class Loop:
    """Calls when told to."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, call: Callable[[], object]) -> None:
        self.soon.append(call)

    def time(self) -> float:
        return 0.0

    def create_future(self) -> None:
        """Nobody waits for a greeting here."""

    def turn(self) -> None:
        """The end of this turn."""
        soon, self.soon = self.soon, []
        for call in soon:
            call()


class Wire:
    """Notes what was written; may fail."""

    def __init__(self, log: list[str], name: str, error: Exception | None = None) -> None:
        self.log, self.name, self.error = log, name, error

    def flush(self) -> None:
        if self.error:
            raise self.error
        self.log.append(self.name)


class Owner:
    """Has mails for one connection, and notes what becomes of them."""

    def __init__(self) -> None:
        self.mails: list[Parcel] = []
        self.ended: list[tuple[str, Outcome]] = []
        self.given_back: list[str] = []

    def take(self, _connection: Connection) -> Parcel | None:
        return self.mails.pop(0) if self.mails else None

    def begin(self, _parcel: Parcel) -> bool:
        return True

    def end(self, parcel: Parcel, outcome: Outcome, _connection: Connection) -> None:
        self.ended.append((parcel.mail.recipient, outcome))

    def give_back(self, parcel: Parcel, *_why: object, counts: bool) -> None:
        self.given_back.append(parcel.mail.recipient)

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_said: None


class Transport:
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_said, **_more: None


@pytest.fixture
def loop() -> Loop:
    return Loop()


def turn_of(loop: Any) -> Turn:
    return Turn(loop)


def connection_of(owner: Any, loop: Any) -> tuple[Connection, Transport]:
    connection, transport = Connection(owner, "relay", Times(), loop, turn_of(loop)), Transport()
    fake: Any = transport
    connection.connection_made(fake)
    connection.offers = Offers(pipelining=True)
    return connection, transport


def told_to_go_on(owner: Owner, loop: Loop) -> tuple[Connection, Transport]:
    """A connection whose server has just taken the envelope of Anna's mail, and the turn is not over."""
    connection, transport = connection_of(owner, loop)
    connection.offer(parcel("anna"))
    loop.turn()
    connection.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    return connection, transport


def parcel(name: str) -> Parcel:
    mail = MailObject(1, "post@shop.example", f"{name}@example.org", f"From: {name}\r\n\r\nText\r\n".encode())
    return Parcel(mail, Book(), (0,))


def test_nobody_writes_before_the_turn_ends(loop: Loop) -> None:
    log: list[str] = []
    turn = turn_of(loop)
    for name in ("a", "b", "c"):
        turn.add(Wire(log, name))
    assert log == []
    assert len(loop.soon) == 1
    loop.turn()
    assert log == ["a", "b", "c"]


def test_a_long_turn_does_not_keep_a_far_server_waiting(loop: Loop) -> None:
    log: list[str] = []
    turn = turn_of(loop)
    for number in range(12):
        turn.add(Wire(log, str(number)))
    assert len(log) == 12


def test_one_that_fails_does_not_silence_the_others(loop: Loop) -> None:
    log: list[str] = []
    turn = turn_of(loop)
    for name, error in (("a", None), ("b", OSError("gone")), ("c", None)):
        turn.add(Wire(log, name, error))
    with pytest.raises(OSError, match="gone"):
        loop.turn()
    loop.turn()
    assert log == ["a", "c"]


def test_a_mail_and_the_envelope_behind_it_are_one_write(loop: Loop) -> None:
    owner = Owner()
    owner.mails = [parcel("bert")]
    _connection, transport = told_to_go_on(owner, loop)
    assert len(transport.written) == 1
    loop.turn()
    envelope, content = transport.written
    assert b"RCPT TO:<anna@example.org>" in envelope
    assert content.startswith(b"From: anna")
    assert content.endswith(b".\r\nMAIL FROM:<post@shop.example>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\n")


def test_a_mail_that_has_not_left_is_in_no_doubt_when_the_server_hangs_up(loop: Loop) -> None:
    """Before the end of the turn no byte of it is out: it goes to the next connection."""
    owner = Owner()
    connection, transport = told_to_go_on(owner, loop)
    connection.connection_lost(None)
    assert owner.given_back == ["anna@example.org"]
    assert owner.ended == []
    assert b"Text" not in b"".join(transport.written)


def test_a_mail_that_has_left_is_in_doubt(loop: Loop) -> None:
    owner = Owner()
    connection, _transport = told_to_go_on(owner, loop)
    loop.turn()
    connection.connection_lost(None)
    assert [(name, outcome.result.name) for name, outcome in owner.ended] == [("anna@example.org", "UNKNOWN")]


def test_the_last_word_does_not_wait(loop: Loop) -> None:
    """Behind QUIT the loop may not turn any more."""
    connection, transport = connection_of(Owner(), loop)
    connection.leave()
    assert transport.written == [b"QUIT\r\n"]
