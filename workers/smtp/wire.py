"""One socket to a server: bytes out, replies in, time-outs, the end. As an asyncio Protocol.

While a session is being opened it answers command by command (`command`); then a subclass reads the replies. Not in
charge of: what is said (`session.py`, `connection.py`).
"""

import asyncio
from typing import cast

from workers.smtp.replies import Garbled, Replies, Reply
from workers.smtp.times import Times
from workers.smtp.turn import Turn
from workers.smtp.wording import reason, said

# More than what follows a final dot in one write: while so much waits to be sent, the dot has not left.
_BEHIND_DOT = 16 * 1024


class Wire(asyncio.Protocol):
    """Knows no mails. `deadline` is when the server has been silent for too long, on the loop's clock."""

    def __init__(self, times: Times, loop: asyncio.AbstractEventLoop, turn: Turn) -> None:
        self.is_closed = False
        self.deadline = float("inf")
        self._times, self._loop, self._turn = times, loop, turn
        # Written in this turn, and not sent yet.
        self._held: list[bytes] = []
        self._replies = Replies()
        # The greeting may be there before anybody waits for it.
        self._answer: asyncio.Future[Reply] | None = loop.create_future()
        self._is_choking, self._is_secure, self._unsent = False, False, 0

    async def greeting(self) -> Reply:
        """What the server says first."""
        return await self._reply(self._times.greeting)

    async def command(self, line: str) -> Reply:
        """Its reply to one command, while no mail is under way."""
        self._write(line.encode() + b"\r\n")
        return await self._reply(self._times.command)

    async def _reply(self, seconds: float) -> Reply:
        if self.is_closed:
            raise ConnectionResetError("hung up")
        if self._answer is None:
            self._answer = self._loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        finally:
            self._answer = None

    def secure(self, transport: asyncio.Transport) -> None:
        """Go on over TLS; what was said before it counts no more (RFC 3207 §4.2)."""
        self.transport, self._is_secure = transport, True
        if not self._replies.is_between:
            raise Garbled("more than one reply to STARTTLS")

    def overdue(self, now: float) -> bool:
        """Whether the server has been silent for longer than RFC 5321 grants it at this point."""
        if now <= self.deadline or self.is_closed:
            return False
        unsent = self.transport.get_write_buffer_size()
        if self._is_choking and unsent < self._unsent:
            self._unsent, self.deadline = unsent, now + self._times.block
            return False
        return True

    def break_off(self, why: str, reply: Reply | None = None) -> None:
        """End the session at once."""
        if not self.is_closed:
            self.transport.abort()
            self._close(why, reply)

    def leave(self) -> None:
        """Take leave and hang up."""
        if not self.is_closed:
            self.is_closed = True
            self._write(b"QUIT\r\n")
            self.flush()
            self.transport.close()
            self._left()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note by what to write."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=2 * _BEHIND_DOT, low=_BEHIND_DOT)
        self._is_secure = transport.get_extra_info("sslcontext") is not None
        self._came()

    def pause_writing(self) -> None:
        """The server reads more slowly than we write."""
        self._is_choking, self._unsent = True, self.transport.get_write_buffer_size()
        self.deadline = self._loop.time() + self._times.block

    def resume_writing(self) -> None:
        """It goes on, and has its time for the reply from now on."""
        self._is_choking = False
        self.deadline = self._loop.time() + self._times.dot

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or the network, hung up."""
        if not self.is_closed:
            self._close(reason(exc) if isinstance(exc, OSError) else "hung up", None)
        self._gone()

    def data_received(self, data: bytes) -> None:
        """Read replies and act on them."""
        try:
            replies = self._replies.feed(data)
        except Garbled as error:
            self.break_off(f"answered with what is no SMTP: {error}")
            return
        for reply in replies:
            if self.is_closed:
                return
            self._read(reply)

    def flush(self) -> None:
        """Send what was written; nothing if the socket is closed already, which `connection_lost` is about to tell."""
        held, self._held = self._held, []
        if held and not self.transport.is_closing():
            # In uvloop twice as fast as `writelines`.
            self.transport.write(b"".join(held))

    def _write(self, *pieces: bytes) -> None:
        """Send at the end of this turn."""
        is_first = not self._held
        self._held += pieces
        if is_first:
            self._turn.add(self)

    # What a subclass does.

    def _read(self, reply: Reply) -> None:
        self._read_answer(reply)

    def _settle(self, why: str, reply: Reply | None) -> None:
        """It is over."""

    def _came(self) -> None:
        """There is a socket."""

    def _left(self) -> None:
        """We have taken leave."""

    def _gone(self) -> None:
        """There is no socket any more."""

    def _read_answer(self, reply: Reply) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)
        else:
            self.break_off(said(reply), reply)

    def _close(self, why: str, reply: Reply | None) -> None:
        self.is_closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(why))
            self._answer.exception()  # whoever waits has it; if nobody does, nobody needs it
        self._settle(why, reply)
