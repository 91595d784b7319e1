"""When to look again whether a mail may go: a timer for the earliest moment that anybody has asked for."""

import asyncio
import time
from collections.abc import Callable


class Waker:
    """Calls `look` in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
        self._loop, self._look = loop, look
        self._at = 0.0
        self._timer: asyncio.Handle | None = None

    def wake(self, seconds: float) -> None:
        """Look again after so many seconds at the latest."""
        at = time.monotonic() + seconds
        if self._timer is not None:
            if self._at <= at:
                return
            self._timer.cancel()
        self._at, self._timer = at, self._loop.call_later(seconds, self._ring)

    def sleep(self) -> None:
        """Forget all that was asked for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._look()
