"""How the sink reads and answers: a chunk at a time, never line by line in content.

Replies are collected and leave at the end of the loop's turn, after the log has been written: many connections share
one write and one fsync, and no 250 overtakes its line. Not in charge of: the commands (`sink_session.py`), what is
logged and limited (`sink.py`), and when a fault strikes (`sink_faults.py`).
"""

import asyncio
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
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
_SOFT_BREAK = b"=\r\n"


class Dialogue(asyncio.Protocol):
    """A client that talks to us; `command` is what a subclass makes of a line."""

    def __init__(self, sink: "Sink") -> None:
        self.sink = sink
        self.loop = sink.loop
        self._kept = b""
        self._out: list[bytes] = []
        self.sender = False
        self.recipients: list[str] = []
        self.is_in_content = False
        self._size = 0
        self._head = b""
        self._parts: list[bytes] = []
        self.is_deaf = False
        self.closes = False
        self._count = 0
        self.resets_tls = False
        self.is_secure = sink.settings.security == "smtps"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or turn away."""
        # uvloop's are no subclass.
        self.transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.sink.enter(self):
            self.say("connect", b"421 4.7.0 too many connections")
            self.closes = True
        else:
            self.say("connect", b"220 sink ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the client."""
        self.sink.leave(self)

    def data_received(self, data: bytes) -> None:
        """Read as far as it goes."""
        if self.resets_tls:
            self.transport.abort()
            return
        if self._kept:
            data = self._kept + data
            self._kept = b""
        at, length = 0, len(data)
        while at < length and not (self.is_deaf or self.closes):
            reached = self._content(data, at) if self.is_in_content else self._line(data, at)
            if reached <= at:
                break
            at = reached
        self._kept = data[at:] if at else data
        if self.sink.settings.slow:
            self._read_slowly(length)

    def command(self, line: bytes) -> None:
        """Obey a line outside content."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send the replies of this turn: the log has been written."""
        out, self._out = b"".join(self._out), []
        if self.sink.settings.latency:
            self.loop.call_later(self.sink.settings.latency, self._send, out, self.closes)
        else:
            self._send(out, self.closes)

    def _send(self, out: bytes, closes: bool) -> None:
        if out and not self.transport.is_closing():
            self.transport.write(out)
        if closes:
            self.transport.close()

    def wake(self) -> None:
        """Cut the connection if it hangs."""
        if self.is_deaf:
            self.transport.abort()

    def _read_slowly(self, length: int) -> None:
        self.transport.pause_reading()
        self.loop.call_later(length / self.sink.settings.slow, self._resume)

    def _resume(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _line(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n", at)
        if end < 0:
            return -1
        self.command(data[at:end])
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
        if self.sink.settings.marks or self.sink.keeps:
            self._parts.append(data[at:until])

    def _accept(self) -> None:
        recipients, size, head, parts = self.recipients, self._size, self._head, self._parts
        self.is_in_content, self._size, self._head, self._parts = False, 0, b"", []
        self.sender, self.recipients = False, []
        fault = self.sink.strike("dot", recipients[0])
        if fault and fault not in {LOSE, AFTER}:
            self.go_wrong(fault)
            return
        self._keep(recipients, size, head, b"".join(parts), "lost" if fault == LOSE else "250")
        self.closes = bool(fault)
        if fault != LOSE:
            self.reply(b"250 2.0.0 kept")
        self._count += 1
        if self.sink.settings.per_connection and self._count >= self.sink.settings.per_connection:
            self.go_wrong("421 4.7.0 enough for one connection")

    def _keep(self, recipients: list[str], size: int, head: bytes, content: bytes, ending: str) -> None:
        begin = head.find(b"\r\nMessage-ID: <")
        if begin >= 0:
            message_id = head[begin + 15 : head.find(b">", begin)].decode("ascii", "replace")
        else:
            found = _MESSAGE_ID.search(head)
            message_id = found[1].decode("ascii", "replace") if found else ""
        marks = ""
        if self.sink.settings.marks:
            plain = content.replace(_SOFT_BREAK, b"").replace(b"=3D", b"=")
            marks = " ".join(dict.fromkeys(each.decode() for each in self.sink.settings.marks.findall(plain)))
        now = time.time()
        for recipient in recipients:
            self.sink.keep(now, recipient, message_id, size, ending, marks, content)
        self.sink.owe(self)

    def say(self, phase: str, reply: bytes, recipient: str = "") -> bool:
        fault = self.sink.strike(phase, recipient)
        if not fault:
            self.reply(reply)
            return reply[0] in b"23"
        self.go_wrong(fault)
        return False

    def go_wrong(self, fault: str) -> None:
        if fault == HANG:
            self.is_deaf = True
        elif fault == DROP:
            self.closes = True
            self.sink.owe(self)
        else:
            self.reply(fault.encode())
            self.closes = self.closes or fault.startswith("421")

    def reply(self, reply: bytes) -> None:
        self._out.append(reply + b"\r\n")
        self.sink.owe(self)
