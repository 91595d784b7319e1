"""The built-in mailbox as a mail server: takes every mail on the loopback, delivers none, stores all.

`Conversation` is one SMTP connection and knows no storage; `Catcher` is the server that stores. A mail is
answered with 250 only when it is stored: what was accepted is never lost, so the books of a test campaign
balance. Mails that arrive in the same turn of the event loop share one commit, so a slow trickle waits for
nothing and a flood for little.
Not in charge of: showing them (`app/mailbox/`).
"""

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from app.db import utc_now
from app.mailbox.store import Caught, Store
from workers.stopping import Stop

log = logging.getLogger(__name__)

# RFC 1870 §4: announced in EHLO, so an honest client does not even begin.
MAX_SIZE = 25 * 1024 * 1024
# RFC 5321 §4.5.3.1.4 allows 512 octets; RFC 6531 and SIZE lengthen MAIL FROM.
_MAX_LINE = 4096
_MAX_RECIPIENTS = 1000
_END = b"\r\n.\r\n"
_PATH = re.compile(r"^(?:FROM|TO):\s*<([^<>\r\n]*)>(.*)$", re.IGNORECASE)
_SIZE = re.compile(r"\bSIZE=(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Envelope:
    """What came before the content."""

    sender: str
    recipients: list[str] = field(default_factory=list)


# Takes an envelope and its content, and calls `done` with the final reply, now or later.
Deliver = Callable[[Envelope, bytes, Callable[[str], None]], None]


class Conversation(asyncio.Protocol):
    """One connection: RFC 5321 with PIPELINING, 8BITMIME, SMTPUTF8 and SIZE."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", f"SIZE {MAX_SIZE}")

    def __init__(self, deliver: Deliver, connections: set[asyncio.Transport]) -> None:
        self._deliver = deliver
        self._connections = connections
        self._inbox = bytearray()
        self._envelope: Envelope | None = None
        self._in_content = False
        self._too_big = False
        self._searched = 0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connections.add(transport)
        # Each small reply would otherwise wait 40 ms for the one before it to be acknowledged (Nagle).
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.say("connect", "220 letterbond mailbox")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the connection."""
        self._connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Read as many commands as have come."""
        self._inbox += data
        self._read_on()

    def say(self, phase: str, reply: str, recipient: str = "") -> bool:  # noqa: ARG002
        """Send a reply; False when it was not the hoped one. Tests put their faults here."""
        self.transport.write(reply.encode() + b"\r\n")
        return reply[0] in "23"

    def _read_on(self) -> None:
        # RFC 2920 §3.2: replies in the order of the commands, so nothing is read while one is owed.
        while not self._waiting and not self.transport.is_closing():
            if not (self._read_content() if self._in_content else self._read_command()):
                break

    def _read_command(self) -> bool:
        end = self._inbox.find(b"\r\n")
        if end < 0:
            if len(self._inbox) > _MAX_LINE:
                self.say("command", "500 5.5.2 line too long")
                self.transport.close()
            return False
        line = self._inbox[:end].decode("utf-8", "replace")
        del self._inbox[: end + 2]
        verb, _, rest = line.partition(" ")
        command = getattr(self, "_on_" + verb.lower(), None) if verb.isalpha() else None
        if command is None:
            self.say("command", "502 5.5.1 command not known here")
        else:
            command(rest.strip())
        return True

    def _read_content(self) -> bool:
        # RFC 5321 §4.5.2: only CR LF . CR LF ends the content; a bare LF does not (SMTP smuggling).
        if self._inbox.startswith(_END[2:]):
            end, after = 0, 3
        else:
            end = self._inbox.find(_END, max(0, self._searched - len(_END)))
            after = end + len(_END)
        if end < 0:
            self._searched = len(self._inbox)
            if self._searched > MAX_SIZE:
                self._too_big = True
                del self._inbox[: -len(_END)]
                self._searched = 0
            return False
        content = bytes(self._inbox[: end + 2 if end else 0])
        del self._inbox[:after]
        self._end_of_content(content)
        return True

    def _end_of_content(self, content: bytes) -> None:
        envelope, too_big = self._envelope, self._too_big
        assert envelope
        self._envelope, self._in_content, self._too_big, self._searched = None, False, False, 0
        if too_big:
            self.say("dot", "552 5.3.4 more than this mailbox takes")
            return
        self._waiting = True
        self.transport.pause_reading()
        self._deliver(envelope, _unstuffed(content), self._delivered)

    def _delivered(self, reply: str) -> None:
        self._waiting = False
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self.say("dot", reply)
            asyncio.get_running_loop().call_soon(self._read_on)

    def _on_ehlo(self, _name: str) -> None:
        self._envelope = None
        lines = ["letterbond", *self.extensions]
        self.say("ehlo", "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]))

    def _on_helo(self, _name: str) -> None:
        self._envelope = None
        self.say("ehlo", "250 letterbond")

    def _on_mail(self, rest: str) -> None:
        path = _PATH.match(rest)
        size = _SIZE.search(rest)
        if path is None:
            self.say("mail", "501 5.5.4 expected MAIL FROM:<address>")
        elif size and int(size[1]) > MAX_SIZE:
            self.say("mail", "552 5.3.4 more than this mailbox takes")
        elif self.say("mail", "250 2.1.0 ok"):
            self._envelope = Envelope(path[1])

    def _on_rcpt(self, rest: str) -> None:
        path = _PATH.match(rest)
        if path is None or not path[1]:
            self.say("rcpt", "501 5.5.4 expected RCPT TO:<address>")
        elif self._envelope is None:
            self.say("rcpt", "503 5.5.1 MAIL comes first")
        elif len(self._envelope.recipients) >= _MAX_RECIPIENTS:
            self.say("rcpt", "452 4.5.3 too many recipients")
        elif self.say("rcpt", "250 2.1.5 ok", path[1]):
            self._envelope.recipients.append(path[1])

    def _on_data(self, _rest: str) -> None:
        if self._envelope is None or not self._envelope.recipients:
            self.say("data", "503 5.5.1 RCPT comes first")
        elif self.say("data", "354 end with a line of one dot", self._envelope.recipients[0]):
            self._in_content = True

    def _on_rset(self, _rest: str) -> None:
        self._envelope = None
        self.say("rset", "250 2.0.0 ok")

    def _on_noop(self, _rest: str) -> None:
        self.say("noop", "250 2.0.0 ok")

    def _on_vrfy(self, _rest: str) -> None:
        self.say("vrfy", "252 2.5.0 send it and see")

    def _on_quit(self, _rest: str) -> None:
        self.say("quit", "221 2.0.0 bye")
        self.transport.close()


def _unstuffed(content: bytes) -> bytes:
    """RFC 5321 §4.5.2: a line that begins with a dot had one put before it."""
    if content.startswith(b"."):
        content = content[1:]
    return content.replace(b"\r\n.", b"\r\n")


class Catcher:
    """Collects what arrives in one turn of the loop, stores it, and only then answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._caught: list[Caught] = []
        self._owed: list[Callable[[str], None]] = []

    def deliver(self, envelope: Envelope, content: bytes, done: Callable[[str], None]) -> None:
        """Put a mail into the next commit."""
        if not self._owed:
            asyncio.get_running_loop().call_soon(self._commit)
        now = utc_now()
        self._caught += [Caught(now, envelope.sender, to, content) for to in envelope.recipients]
        self._owed.append(done)

    def _commit(self) -> None:
        caught, owed = self._caught, self._owed
        self._caught, self._owed = [], []
        try:
            self._store.add(caught)
            reply = "250 2.0.0 stored"
        except OSError as error:
            log.error("%d mails could not be stored: %s", len(caught), error)  # noqa: TRY400
            reply = "452 4.3.1 could not be stored"
        for done in owed:
            done(reply)


def serve(store: Store, listening: socket.socket, stop: Stop) -> None:
    """Answer on a listening socket until told to stop."""
    asyncio.run(_serve(store, listening, stop))


async def _serve(store: Store, listening: socket.socket, stop: Stop) -> None:
    catcher = Catcher(store)
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(catcher.deliver, connections), sock=listening)
    host, port = listening.getsockname()[:2]
    log.info("catching mail on %s:%d", host, port)
    async with server:
        while not stop():
            await asyncio.sleep(0.1)
        for connection in list(connections):
            connection.write(b"421 4.3.2 mailbox is stopping\r\n")
            connection.close()
        while connections:
            await asyncio.sleep(0.01)
