"""Connections that are being opened: as many as are wanted and a relay has room for.

Not in charge of: what a session begins with (`session.py`), and what a failure means (`pool.py`).
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from workers.smtp.connection import Connection
from workers.smtp.route import Route
from workers.smtp.session import Opener, Unusable

# So long until a place among the connections of all workers is asked for again.
_NO_PLACE = 0.2


class Openings:
    """Opens connections beside the sending and says what came of it."""

    def __init__(
        self,
        opened: Callable[[Route, Connection], None],
        not_opened: Callable[[Route, Unusable, float], None],
        process: str,
    ) -> None:
        self._opened, self._not_opened, self._process = opened, not_opened, process
        self._tasks: set[asyncio.Task[None]] = set()

    def grow(self, opener: Opener, route: Route, wanted: int, *, is_single: bool) -> None:
        """Have `wanted` connections on their way, if there is room for them; one at all for a single mail."""
        room = min(route.room, 1 - len(route.connections) - route.opening) if is_single else route.room
        for _ in range(min(room, wanted - route.opening)):
            route.opening += 1
            task = opener.loop.create_task(self._open(opener, route))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what is not open yet."""
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _open(self, opener: Opener, route: Route) -> None:
        try:
            await asyncio.sleep(route.breaker.delay)
            place = route.take_place(self._process)
            if place is None:
                await asyncio.sleep(_NO_PLACE)
                return
            since = time.monotonic()
            found = await self._try(opener, route, place)
        finally:
            route.opening -= 1
        if isinstance(found, Connection):
            self._opened(route, found)
        else:
            self._not_opened(route, found, since)

    async def _try(self, opener: Opener, route: Route, place: str) -> Connection | Unusable:
        connection = None
        try:
            connection = await opener.open(route.relay, route)
        except Unusable as error:
            return error
        finally:
            if connection is None or connection.is_closed:
                route.give_place(place)
        if connection.is_closed:
            return Unusable(f"{route.where} hung up after the greeting", for_now=True)
        route.places[connection] = place
        return connection
