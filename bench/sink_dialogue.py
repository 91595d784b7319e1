"""One SMTP connection of the sink: RFC 5321 with PIPELINING, read a chunk at a time and never line by line in content.

Replies are collected and leave at the end of the loop's turn, after the log has been written: many connections share
one write and one fsync, and no 250 overtakes its line. Not in charge of: what is logged and limited (`sink.py`), and
when a fault strikes (`sink_faults.py`).
"""

import asyncio
import base64
import re
import socket
import time
from typing import TYPE_CHECKING, cast

from bench.sink_faults import AFTER, DROP, HANG, LOSE

if TYPE_CHECKING:
    from bench.sink import Sink

_END = b"\r\n.\r\n"
_HEAD_BYTES = 4096
_ENVELOPE_BYTES = 600
_PATH = re.compile(rb"(?:FROM|TO):\s*<([^<>]*)>", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
_SOFT_BREAK = b"=\r\n"


class Dialogue(asyncio.Protocol):
    """A client that talks to us."""

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink
        self._loop = sink.loop
        self._kept = b""
        self._out: list[bytes] = []
        self._sender = False
        self._recipients: list[str] = []
        self._is_in_content = False
        self._size = 0
        self._head = b""
        self._parts: list[bytes] = []
        self._is_deaf = False
        self._closes = False
        self._count = 0
        self._login = False
        self._resets_tls = False
        self.is_secure = sink.settings.security == "smtps"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or turn away."""
        # uvloop's are no subclass.
        self.transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._sink.enter(self):
            self._say("connect", b"421 4.7.0 too many connections")
            self._closes = True
        else:
            self._say("connect", b"220 sink ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the client."""
        self._sink.leave(self)

    def data_received(self, data: bytes) -> None:
        """Read as far as it goes."""
        if self._resets_tls:
            self.transport.abort()
            return
        if self._kept:
            data = self._kept + data
            self._kept = b""
        at, length = 0, len(data)
        while at < length and not (self._is_deaf or self._closes):
            reached = self._content(data, at) if self._is_in_content else self._line(data, at)
            if reached <= at:
                break
            at = reached
        self._kept = data[at:] if at else data
        if self._sink.settings.slow:
            self._read_slowly(length)

    def flush(self) -> None:
        """Send the replies of this turn: the log has been written."""
        out, self._out = b"".join(self._out), []
        if self._sink.settings.latency:
            self._loop.call_later(self._sink.settings.latency, self._send, out, self._closes)
        else:
            self._send(out, self._closes)

    def _send(self, out: bytes, closes: bool) -> None:  # noqa: FBT001
        if out and not self.transport.is_closing():
            self.transport.write(out)
        if closes:
            self.transport.close()

    def wake(self) -> None:
        """Cut the connection if it hangs."""
        if self._is_deaf:
            self.transport.abort()

    def _read_slowly(self, length: int) -> None:
        self.transport.pause_reading()
        self._loop.call_later(length / self._sink.settings.slow, self._resume)

    def _resume(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _line(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n", at)
        if end < 0:
            return -1
        line = data[at:end]
        verb, _, rest = line.partition(b" ")
        command = _COMMANDS.get(verb.upper())
        if self._login:
            self._end_login(line)
        elif command is None:
            self._reply(b"502 5.5.1 not known here")
        else:
            command(self, rest)
        return end + 2

    def _content(self, data: bytes, at: int) -> int:
        if not self._size and data.startswith(b".\r\n", at):
            end, after = at, at + 3
        elif not self._size and len(data) - at < 3:
            return -1
        else:
            # Nearly always the end is the end of the chunk, an envelope behind it at most: no second content comes
            # before its 354. To look there first saves a third of all our time.
            end = data.find(_END, max(at, len(data) - _ENVELOPE_BYTES))
            end = end if end >= 0 else data.find(_END, at)
            after = end + 5
        is_whole = end >= 0
        # The last four bytes may be the beginning of the end.
        until = end + 2 * (after - end == 5) if is_whole else len(data) - 4
        if until > at:
            self._take(data, at, until)
        if not is_whole:
            return max(at, until)
        self._accept()
        return after

    def _take(self, data: bytes, at: int, until: int) -> None:
        self._size += until - at
        if len(self._head) < _HEAD_BYTES:
            self._head += data[at : min(until, at + _HEAD_BYTES)]
        if self._sink.settings.marks or self._sink.keeps:
            self._parts.append(data[at:until])

    def _accept(self) -> None:
        recipients, size, head, parts = self._recipients, self._size, self._head, self._parts
        self._is_in_content, self._size, self._head, self._parts = False, 0, b"", []
        self._sender, self._recipients = False, []
        fault = self._sink.strike("dot", recipients[0])
        if fault and fault not in {LOSE, AFTER}:
            self._go_wrong(fault)
            return
        self._keep(recipients, size, head, b"".join(parts), "lost" if fault == LOSE else "250")
        self._closes = bool(fault)
        if fault != LOSE:
            self._reply(b"250 2.0.0 kept")
        self._count += 1
        if self._sink.settings.per_connection and self._count >= self._sink.settings.per_connection:
            self._go_wrong("421 4.7.0 enough for one connection")

    def _keep(self, recipients: list[str], size: int, head: bytes, content: bytes, ending: str) -> None:
        begin = head.find(b"\r\nMessage-ID: <")
        if begin >= 0:
            message_id = head[begin + 15 : head.find(b">", begin)].decode("ascii", "replace")
        else:
            found = _MESSAGE_ID.search(head)
            message_id = found[1].decode("ascii", "replace") if found else ""
        marks = ""
        if self._sink.settings.marks:
            plain = content.replace(_SOFT_BREAK, b"").replace(b"=3D", b"=")
            marks = " ".join(dict.fromkeys(each.decode() for each in self._sink.settings.marks.findall(plain)))
        now = time.time()
        for recipient in recipients:
            self._sink.keep(now, recipient, message_id, size, ending, marks, content)
        self._sink.owe(self)

    def _say(self, phase: str, reply: bytes, recipient: str = "") -> bool:
        fault = self._sink.strike(phase, recipient)
        if not fault:
            self._reply(reply)
            return reply[0] in b"23"
        self._go_wrong(fault)
        return False

    def _go_wrong(self, fault: str) -> None:
        if fault == HANG:
            self._is_deaf = True
        elif fault == DROP:
            self._closes = True
            self._sink.owe(self)
        else:
            self._reply(fault.encode())
            self._closes = self._closes or fault.startswith("421")

    def _reply(self, reply: bytes) -> None:
        self._out.append(reply + b"\r\n")
        self._sink.owe(self)

    def _on_ehlo(self, _rest: bytes) -> None:
        self._sender, self._recipients = False, []
        lines = ["sink", *self._sink.offers(self)]
        text = "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])
        self._say("ehlo", text.encode())

    def _on_mail(self, rest: bytes) -> None:
        if not _PATH.match(rest):
            self._reply(b"501 5.5.4 expected MAIL FROM:<address>")
        else:
            self._sender = self._say("mail", b"250 2.1.0 ok")

    def _on_rcpt(self, rest: bytes) -> None:
        path = _PATH.match(rest)
        recipient = path[1].decode("utf-8", "replace") if path else ""
        if not recipient:
            self._reply(b"501 5.5.4 expected RCPT TO:<address>")
        elif not self._sender:
            self._reply(b"503 5.5.1 MAIL comes first")
        elif self._sink.is_grey(recipient):
            self._go_wrong("451 4.7.1 greylisted, try again later")
        elif self._say("rcpt", b"250 2.1.5 ok", recipient):
            self._recipients.append(recipient)

    def _on_data(self, _rest: bytes) -> None:
        if not self._recipients:
            self._reply(b"503 5.5.1 RCPT comes first")
        else:
            self._is_in_content = self._say("data", b"354 end with a line of one dot", self._recipients[0])

    def _on_rset(self, _rest: bytes) -> None:
        self._sender, self._recipients = False, []
        self._say("rset", b"250 2.0.0 ok")

    def _on_noop(self, _rest: bytes) -> None:
        self._reply(b"250 2.0.0 ok")

    def _on_quit(self, _rest: bytes) -> None:
        self._say("quit", b"221 2.0.0 bye")
        self._closes = True

    def _on_auth(self, rest: bytes) -> None:
        mechanism, _, given = rest.partition(b" ")
        if mechanism.upper() != b"PLAIN":
            self._reply(b"504 5.5.4 PLAIN is offered")
        elif given:
            self._end_login(given)
        else:
            self._login = True
            self._reply(b"334 ")

    def _end_login(self, given: bytes) -> None:
        self._login = False
        user, _, password = self._sink.settings.login.partition(":")
        is_right = given == base64.b64encode(f"\0{user}\0{password}".encode())
        self._say("auth", b"235 2.7.0 ok" if is_right else b"535 5.7.8 wrong user or password")

    def _on_starttls(self, _rest: bytes) -> None:
        if self._sink.certificate is None or self.is_secure:
            self._reply(b"502 5.5.1 not known here")
            return
        if not self._say("starttls", b"220 go ahead"):
            return
        self._resets_tls = self._sink.settings.resets_tls
        if not self._resets_tls:
            self.flush()
            self._is_deaf = True
            self._upgrading = self._loop.create_task(self._upgrade())

    async def _upgrade(self) -> None:
        assert self._sink.certificate
        try:
            new = await self._loop.start_tls(self.transport, self, self._sink.certificate, server_side=True)
        except OSError:
            self.transport.abort()
            return
        assert new
        self.transport, self.is_secure, self._is_deaf = new, True, False
        self._sender, self._recipients = False, []


_COMMANDS = {
    b"EHLO": Dialogue._on_ehlo,  # noqa: SLF001 - a table instead of getattr: this is read three times a mail
    b"HELO": Dialogue._on_ehlo,  # noqa: SLF001
    b"MAIL": Dialogue._on_mail,  # noqa: SLF001
    b"RCPT": Dialogue._on_rcpt,  # noqa: SLF001
    b"DATA": Dialogue._on_data,  # noqa: SLF001
    b"RSET": Dialogue._on_rset,  # noqa: SLF001
    b"NOOP": Dialogue._on_noop,  # noqa: SLF001
    b"QUIT": Dialogue._on_quit,  # noqa: SLF001
    b"AUTH": Dialogue._on_auth,  # noqa: SLF001
    b"STARTTLS": Dialogue._on_starttls,  # noqa: SLF001
}
