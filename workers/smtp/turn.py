"""What is written in one turn of the loop, and leaves together at its end.

A write wakes whoever reads at the other end. On one machine that costs as much as the writing; and a server that is
woken for each mail commits each alone, where it could have put twenty on its disk at once. Not in charge of: what is
written (`wire.py`).
"""

import asyncio
from collections import deque
from typing import Protocol

# So many wait at most: making one mail, and signing it, takes part of a millisecond, and a far server is waiting.
_MOST = 12


class Writer(Protocol):
    """Who has something to write."""

    def flush(self) -> None:
        """Write it."""


class Turn:
    """Those who have written in this turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._writers: deque[Writer] = deque()

    def add(self, writer: Writer) -> None:
        """Let it write soon."""
        self._writers.append(writer)
        if len(self._writers) >= _MOST:
            self._end()
        elif len(self._writers) == 1:
            self._loop.call_soon(self._end)

    def _end(self) -> None:
        try:
            while self._writers:
                self._writers.popleft().flush()
        finally:
            # Where one fails the others still have their say.
            if self._writers:
                self._loop.call_soon(self._end)
