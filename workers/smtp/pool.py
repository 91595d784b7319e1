"""The connections of a transport: opens them as mails ask for them, gives them mails, watches over them, closes them.

They grow with the work, up to what the operator and the relay allow, and outlive a call. All runs in one event loop, in
the thread of the caller. Not in charge of: what is said on a connection (`connection.py`), nor of which mail is next
(`call.py`).
"""

import asyncio
import time
from collections.abc import Sequence

from app.transport import Outcome, Result
from workers.smtp.call import Call
from workers.smtp.connection import Connection
from workers.smtp.gate import Gate
from workers.smtp.openings import Openings
from workers.smtp.owner import STOPPED
from workers.smtp.parcel import Parcel
from workers.smtp.providers import wants_less
from workers.smtp.replies import Reply
from workers.smtp.route import Route, give_a_chance
from workers.smtp.session import Opener, Unusable
from workers.smtp.wording import outcome

_SWEEP = 0.2
_SILENT = "no answer in time"
# So many more are opened for each that is open and has found work, when there is work left after so long.
_GROWTH, _GROW_SECONDS = 3, 0.01
_RENEW_SECONDS = 5.0


class Pool:
    """All connections of one transport; the owner of each of them."""

    def __init__(self, routes: Sequence[Route], gate: Gate | None, process: str) -> None:
        self.routes, self._gate = routes, gate
        self._opener: Opener | None = None
        self._call: Call | None = None
        self._openings = Openings(self._opened, self._not_opened, process)
        self._closing: set[Connection] = set()
        self._sweeping: asyncio.Handle | None = None
        self._renewed = 0.0

    async def run(self, call: Call, opener: Opener) -> None:
        """Serve one call, to its end."""
        self._opener, self._call = opener, call
        for route in self.routes:
            for connection in route.connections:
                connection.is_kept = True
        # Two turns of the loop, so that what was hung up in the meantime is known.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for route in self.routes:
            route.expire(time.monotonic())
        give_a_chance(self.routes, time.monotonic())
        try:
            self._sweep()
            await call.done
        finally:
            await self._end_call(call)

    async def close(self) -> None:
        """Take leave of all relays; a server that does not hang up is not waited for."""
        for route in self.routes:
            for connection in list(route.connections):
                connection.leave()
            route.take_leave()
        for _ in range(40):
            if not self._closing:
                return
            await asyncio.sleep(0.005)
        for connection in self._closing:
            connection.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    # Owner of connections.

    def take(self, connection: Connection) -> Parcel | None:
        """See Owner."""
        route = _route(connection)
        return self._call.next_for(route) if self._call and not route.surplus else None

    def begin(self, parcel: Parcel) -> bool:
        """See Owner."""
        return self._call is not None and self._call.begin(parcel)

    def end(self, parcel: Parcel, outcome: Outcome, connection: Connection) -> None:
        """See Owner."""
        route = _route(connection)
        if outcome.code is not None:
            route.replies += 1
            if route.breaker.failures or route.breaker.is_on_trial:
                route.breaker.worked()
            if parcel.provider is None and outcome.result is Result.DEFERRED and wants_less(outcome, None):
                route.shrink(len(route.connections) // 2, time.monotonic())
        assert self._call
        self._call.end(parcel, outcome)

    def give_back(self, parcel: Parcel, connection: Connection, reply: Reply | None, why: str, *, counts: bool) -> None:
        """See Owner."""
        assert self._call
        # Relays hang up on idle connections: that says nothing about this mail.
        self._call.give_back(parcel, _route(connection), reply, why, counts=counts and not connection.is_kept)

    def rest(self, connection: Connection) -> None:
        """See Owner."""
        route = _route(connection)
        if route.surplus:
            route.surplus -= 1
            connection.leave()
            return
        route.rest(connection, time.monotonic())

    def lost(self, connection: Connection, reply: Reply | None, why: str) -> None:
        """See Owner."""
        route, now = _route(connection), time.monotonic()
        if connection not in route.connections:
            return  # still opening: `_open` hears of it
        route.forget(connection)
        if why in ("", STOPPED):
            return
        if reply is not None and "too many connections" in outcome(Result.DEFERRED, reply).text.lower():
            route.shrink(len(route.connections), now)
        elif not connection.served and not connection.is_kept and self._call and self._call.stop_word is None:
            self._failed(
                route, _trouble(reply, f"{route.where} hung up: {why}"), connection.since, for_good=why == _SILENT
            )
        self._wake()

    def gone(self, connection: Connection) -> None:
        """See Owner."""
        self._closing.discard(connection)

    def came(self, connection: Connection) -> None:
        """See Owner."""
        self._closing.add(connection)

    # Feeding.

    def feed(self, *, may_grow: bool = False) -> None:
        """Give mails to those who rest, and open connections where mails are left over."""
        call = self._call
        if call is None or call.done.done():
            return
        call.hold_back()
        for route in self.routes:
            self._feed_route(route, call)
        if call.fetch():
            call.look_at_routes()
        for route in self.routes:
            if may_grow or not route.connections:
                self._grow(route, sum(route.index in parcel.routes for parcel in call.waiting))
        if call.stop_word is not None or call.crash is not None:
            self._call_back()

    def _feed_route(self, route: Route, call: Call) -> None:
        while route.resting and not call.done.done():
            parcel = call.next_for(route)
            if parcel is None:
                return
            connection = route.wake()
            if not connection.offer(parcel):
                self.rest(connection)

    def _call_back(self) -> None:
        for route in self.routes:
            for connection in list(route.connections):
                connection.call_back()

    # Growing and shrinking.

    def _grow(self, route: Route, wanted: int) -> None:
        """Have `wanted` connections on their way, if there is room for them."""
        if self._call is not None and self._opener is not None and not route.breaker.is_open(time.monotonic()):
            self._openings.grow(self._opener, route, wanted, is_single=self._call.is_single)

    def _opened(self, route: Route, connection: Connection) -> None:
        if not route.connections:
            # A newcomer begins at the others' level, or it would have to catch up on all they have sent.
            route.given = max((each.given for each in self.routes if each.connections), default=0)
        route.connections.add(connection)
        self.rest(connection)
        if self._call is None:
            return
        self._feed_route(route, self._call)
        if self._opener is not None:
            self._opener.loop.call_later(_GROW_SECONDS, self._grow_on, route, self._call)

    def _grow_on(self, route: Route, call: Call) -> None:
        """Open more, if there is work for them after a moment: a few mails go over one connection."""
        if call is self._call and not call.done.done() and call.fetch():
            self._grow(route, _GROWTH * len(route.connections))

    def _not_opened(self, route: Route, error: Unusable, since: float) -> None:
        if route.connections:
            # Others work: it takes no more than these.
            route.shrink(len(route.connections), time.monotonic())
            return
        self._failed(route, _trouble(error.reply, str(error)), since, for_good=not error.for_now)

    def _failed(self, route: Route, trouble: Outcome, since: float, *, for_good: bool) -> None:
        route.breaker.failed(trouble, since, time.monotonic(), for_good=for_good)
        self._wake()

    def _wake(self) -> None:
        if self._call is not None:
            self._call.waker.wake(0)

    # Watching.

    def _sweep(self) -> None:
        call, opener = self._call, self._opener
        if call is None or opener is None:
            return
        now = opener.loop.time()
        for route in self.routes:
            for connection in list(route.connections):
                self._look_at(connection, now, call)
            route.may_grow(time.monotonic())
            route.expire(time.monotonic())
        call.recall()
        self._renew()
        self.feed(may_grow=True)
        if not call.done.done():
            self._sweeping = opener.loop.call_later(_SWEEP, self._sweep)

    @staticmethod
    def _look_at(connection: Connection, now: float, call: Call) -> None:
        if connection.overdue(now):
            connection.break_off(_SILENT)
        elif connection.offered is not None and (connection.is_stuck(now) or not call.goes_on(connection.offered)):
            connection.call_back()

    def _renew(self) -> None:
        """Say in Redis what is in use, and give up what is more than our share of a relay."""
        now = time.monotonic()
        if now - self._renewed < _RENEW_SECONDS:
            return
        self._renewed = now
        if self._gate is not None:
            self._gate.renew()
        for route in self.routes:
            route.renew()

    async def _end_call(self, call: Call) -> None:
        if not call.done.done() or call.crash is not None:
            call.abandon()
            for route in self.routes:
                for connection in list(route.connections):
                    if not connection.is_idle:
                        connection.break_off(STOPPED)
        call.waker.sleep()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._openings.stop()
        self._call = None


def _route(connection: Connection) -> Route:
    assert isinstance(connection.route, Route)
    return connection.route


def _trouble(reply: Reply | None, text: str) -> Outcome:
    """UNREACHABLE, with the code if the server gave one."""
    if reply is None:
        return Outcome(Result.UNREACHABLE, text=text)
    said = outcome(Result.UNREACHABLE, reply)
    return Outcome(Result.UNREACHABLE, said.code, said.enhanced, text)
