"""Transport over SMTP: our own pipelined client on uvloop, in the thread of the caller.

The event loop runs while a call is under way and sleeps between calls; connections outlive it. Not in charge of:
when to try again, and what an Outcome means (`app/delivery/`).
"""

import asyncio
import os
import socket
import ssl
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import uvloop

from app.relay import Relay
from app.transport import MailObject, Mails, Outcome, Result
from workers.smtp.call import Call
from workers.smtp.gate import Gate
from workers.smtp.limits import Limits, LocalLimits
from workers.smtp.pool import Pool
from workers.smtp.providers import Providers
from workers.smtp.route import Route
from workers.smtp.session import Opener
from workers.smtp.times import Times
from workers.smtp.turn import Turn
from workers.smtp.waker import Waker


class SmtpTransport:
    """Hands mails to one relay or several. Not for two threads at once.

    `limits` are shared with other workers if they are; with `providers`, mails are also held to the limits of the
    recipients' mailbox providers, where a relay does not do that itself.
    """

    def __init__(
        self,
        relays: Relay | Sequence[Relay],
        own_name: str,
        context: ssl.SSLContext | None = None,
        *,
        limits: Limits | None = None,
        providers: Providers | None = None,
        times: Times | None = None,
    ) -> None:
        relays = (relays,) if isinstance(relays, Relay) else tuple(relays)
        limits, process = limits or LocalLimits(), f"{socket.gethostname()}:{os.getpid()}"
        shapes = providers is not None and any(relay.provider_limits for relay in relays)
        self._gate = Gate(providers, limits, process) if providers is not None and shapes else None
        self._routes = tuple(Route(index, relay, limits) for index, relay in enumerate(relays))
        self._own_name, self._times = own_name, times or Times()
        self._context = context or ssl.create_default_context()
        self._pool = Pool(self._routes, self._gate, process)
        self._opener: Opener | None = None

    def send(self, mail: MailObject) -> Outcome:
        """Hand over one mail and wait for the final word. Somebody waits for it: no provider's limit holds it back."""
        single = _Single()
        self._run(iter(((mail, single),)), gate=None, is_single=True)
        return single.outcome

    def send_many(self, mails: Mails) -> None:
        """Hand over all of them, over as many connections as the relays take. See Transport."""
        self._run(mails, gate=self._gate, is_single=False)

    def close(self) -> None:
        """Take leave of all relays. A later mail opens new connections."""
        opener, self._opener = self._opener, None
        if opener is not None:
            with _apart():
                try:
                    opener.loop.run_until_complete(self._pool.close())
                finally:
                    opener.loop.close()

    def _run(self, mails: Mails, *, gate: Gate | None, is_single: bool) -> None:
        if self._opener is None:
            new = uvloop.new_event_loop()
            self._opener = Opener(self._pool, self._own_name, self._context, self._times, new, Turn(new))
        opener = self._opener
        loop = opener.loop
        waker = Waker(loop, self._pool.feed)
        call = Call(mails, self._routes, gate, waker, loop.create_future(), is_single=is_single)
        loop.set_exception_handler(partial(_crash, call))
        task = loop.create_task(self._pool.run(call, opener))
        with _apart():
            try:
                loop.run_until_complete(task)
            except BaseException:
                # Stopped in mid-sentence: a reply still to come would be taken for the next one's.
                task.cancel()
                with suppress(asyncio.CancelledError):
                    loop.run_until_complete(task)
                raise
        if call.crash is not None:
            raise call.crash


@contextmanager
def _apart() -> Iterator[None]:
    """Whoever calls may be inside a loop of its own, as what drives a browser is: that one waits."""
    outer = _get_running_loop()
    _set_running_loop(None)
    try:
        yield
    finally:
        _set_running_loop(outer)


def _crash(call: Call, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a callback raised: a job that is stopped, or a fault of ours. Without it the call would wait for ever."""
    error = context.get("exception")
    # uvloop raises this for a socket that was closed in the meantime, of which the connection is told as well.
    is_closed = isinstance(error, RuntimeError) and "the handler is closed" in str(error)
    if error is not None and not is_closed and not isinstance(error, OSError):
        call.fail(error)


class _Single:
    """The handover of one mail."""

    def __init__(self) -> None:
        self.outcome = Outcome(Result.UNREACHABLE)

    def begin(self, mail: MailObject) -> None:
        """Nothing to note."""

    def end(self, mail: MailObject, outcome: Outcome) -> None:  # noqa: ARG002
        """Keep the word."""
        self.outcome = outcome

    def may_go_on(self) -> bool:
        """Always."""
        return True
