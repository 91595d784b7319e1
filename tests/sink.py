"""A mail server for tests: real SMTP on the loopback, with faults on demand.

    with Sink() as sink:
        transport = SmtpTransport(sink.relay, "test.example")
        sink.fault = lambda phase, recipient: "451 4.7.1 greylisted" if phase == "rcpt" else None

`phase` is connect, ehlo, starttls, auth, mail, rcpt, data, dot, rset or quit; the fault's reply is given instead
of the good one. Three are none: DROP cuts the connection, HANG says nothing, LOSE stores the mail and cuts (phase dot
only: RFC 1047). `messages` are (sender, recipient, content) in the order of arrival; `connections` counts them,
`commands` are all lines read.
"""

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable
from typing import Self

from app.relay import Relay
from workers.catcher import Conversation, Envelope

DROP = "drop"
LOSE = "lose"
HANG = "hang"

Fault = Callable[[str, str], str | None]


class Sink:
    """Listens in a thread of its own while the block runs."""

    def __init__(
        self,
        fault: Fault | None = None,
        *,
        certificate: ssl.SSLContext | None = None,
        security: str = "smtp",
        password: str | None = None,
        login: str = "PLAIN",
        extensions: tuple[str, ...] = Conversation.extensions,
    ) -> None:
        self.messages: list[tuple[str, str, bytes]] = []
        self.commands: list[str] = []
        self.connections = 0
        self.fault: Fault = fault or (lambda _phase, _recipient: None)
        self.certificate, self.security, self.password, self.login = certificate, security, password, login
        self.extensions = extensions
        self.accepts_data_for_nobody = False
        self.mails_per_connection = 10**9
        self.open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.port = 0

    @property
    def relay(self) -> Relay:
        """How a transport reaches it."""
        username = "user" if self.password else None
        return Relay(self.security, "localhost", self.port, username, self.password)

    def hang_up(self) -> None:
        """Cut all connections, as relays do with idle ones."""

        async def cut() -> None:
            for transport in list(self.open):
                transport.abort()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(cut(), self._loop).result(5)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        tls = self.certificate if self.security == "smtps" else None
        server = await self._loop.create_server(lambda: _Faulty(self), "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0.01)


class _Faulty(Conversation):
    """A conversation that asks its sink for faults, and knows TLS and login."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(self._keep, sink.open)
        self._sink = sink
        self._is_secure = sink.security == "smtps"
        self._for_nobody = False
        self._mails = 0
        self._login: list[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._sink.connections += 1
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._in_content:
            self._sink.commands += data.decode("utf-8", "replace").splitlines()
        super().data_received(data)

    def say(self, phase: str, reply: str, recipient: str = "") -> bool:
        fault = self._sink.fault(phase, recipient)
        if fault in (DROP, LOSE):
            self.transport.abort()
            return False
        if fault == HANG:
            self._waiting = True
            return False
        good = super().say(phase, fault or reply, recipient)
        if fault and fault.startswith("421"):
            self.transport.close()
        return good

    def _keep(self, envelope: Envelope, content: bytes, done: Callable[[str], None]) -> None:
        recipient = envelope.recipients[0]
        fault = self._sink.fault("dot", recipient)
        if fault is None or fault == LOSE or fault[0] == "2":
            self._sink.messages += [(envelope.sender, to, content) for to in envelope.recipients]
        self._recipient = recipient
        done("250 2.0.0 kept")

    def _delivered(self, reply: str) -> None:
        self._waiting = False
        self.transport.resume_reading()
        self.say("dot", reply, self._recipient)
        self._read_on()

    def _on_mail(self, rest: str) -> None:
        self._mails += 1
        if self._mails > self._sink.mails_per_connection:
            super().say("mail", "421 4.7.0 too many mails on this connection")
            self.transport.close()
        else:
            super()._on_mail(rest)

    def _on_data(self, rest: str) -> None:
        if self._sink.accepts_data_for_nobody and self._envelope and not self._envelope.recipients:
            self.say("nobody", "354 go on")
            self._in_content = self._for_nobody = True
        else:
            super()._on_data(rest)

    def _end_of_content(self, content: bytes) -> None:
        if self._for_nobody:
            assert not content
            self._envelope, self._in_content, self._for_nobody, self._searched = None, False, False, 0
            self.say("nobody", "554 5.5.1 no valid recipients")
        else:
            super()._end_of_content(content)

    def _on_ehlo(self, name: str) -> None:
        offers = ["STARTTLS"] if self._sink.security == "smtp+starttls" and not self._is_secure else []
        offers += [f"AUTH {self._sink.login}"] if self._sink.password else []
        self.extensions = (*self._sink.extensions, *offers)
        super()._on_ehlo(name)

    def _on_starttls(self, _rest: str) -> None:
        self._waiting = True

        async def upgrade() -> None:
            assert self._sink.certificate
            loop = asyncio.get_running_loop()
            # In one turn of the loop with start_tls: the client's first TLS bytes must not be read as SMTP.
            if not self.say("starttls", "220 go ahead"):
                self._waiting = False
                self._read_on()
                return
            try:
                new = await loop.start_tls(self.transport, self, self._sink.certificate, server_side=True)
            except (OSError, ssl.SSLError):
                return
            if new is None:
                return  # The client has hung up in the meantime.
            self._sink.open.add(new)
            self.transport, self._is_secure, self._waiting = new, True, False
            # What came in since the handshake waits to be read.
            self._read_on()

        self._upgrading = asyncio.ensure_future(upgrade())

    def _on_auth(self, rest: str) -> None:
        if rest == "LOGIN":
            self.say("auth", "334 VXNlcm5hbWU6")
            self._login = []
            return
        expected = base64.b64encode(f"\0user\0{self._sink.password}".encode()).decode()
        self._answer_login(rest.removeprefix("PLAIN ") == expected)

    def _read_command(self) -> bool:
        """The two answers of AUTH LOGIN are no commands."""
        end = self._inbox.find(b"\r\n")
        if self._login is None or end < 0:
            return super()._read_command()
        self._login.append(base64.b64decode(self._inbox[:end]).decode())
        del self._inbox[: end + 2]
        if len(self._login) == 1:
            self.say("auth", "334 UGFzc3dvcmQ6")
        else:
            given, self._login = self._login, None
            self._answer_login(given == ["user", self._sink.password])
        return True

    def _answer_login(self, is_right: bool) -> None:
        self.say("auth", "235 2.7.0 ok" if is_right else "535 5.7.8 wrong password")
