"""Keeps children alive: starts them again when they die, gives up when that is useless, stops them in order.

Not in charge of: which children there are (`workers/supervisor.py`).
"""

import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field

from workers import logs
from workers.child import Child

_DEATHS, _WITHIN_SECONDS = 5, 30
# Doubled with each death of the last half minute.
_FIRST_PAUSE = 0.1
_LEAST_PATIENCE = 2
_POLL_SECONDS = 0.02


class GaveUp(Exception):
    """A part dies as often as it is started; the message says which and why."""


@dataclass(slots=True)
class _Part:
    child: Child
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_DEATHS))
    start_at: float = 0.0


class Parts:
    """Floors of children: each floor needs the ones that were started before it."""

    def __init__(self) -> None:
        self._floors: list[list[_Part]] = []

    def start(self, *children: Child) -> None:
        """Start a floor."""
        self._floors.append([_Part(child) for child in children])
        for child in children:
            child.start()

    def mend(self) -> None:
        """Look after all children once; raise GaveUp when one will not live."""
        now = time.monotonic()
        for part in self._parts:
            if part.child.runs:
                if reason := part.child.ended():
                    _plan_restart(part, reason, now)
            elif part.start_at <= now:
                part.child.start()

    def stop(self, patience: float) -> None:
        """Ask floor by floor, last one first; what has not ended after `patience` seconds is killed."""
        until = time.monotonic() + patience
        for floor in reversed(self._floors):
            running = [part.child for part in floor if part.child.runs]
            for child in running:
                child.send(signal.SIGTERM)
            for child in _wait(running, max(until, time.monotonic() + _LEAST_PATIENCE)):
                say(f"{child.name} did not stop in time and was killed")
                child.send(signal.SIGKILL)
                _wait([child], float("inf"))

    @property
    def _parts(self) -> list[_Part]:
        return [part for floor in self._floors for part in floor]


def say(words: str) -> None:
    """Tell the operator."""
    print(f"letterbond: {words}", file=sys.stderr, flush=True)  # noqa: T201


def _plan_restart(part: _Part, reason: str, now: float) -> None:
    name, last = part.child.name, logs.last_line(part.child.log_file)
    part.deaths.append(now)
    if len(part.deaths) == _DEATHS and now - part.deaths[0] < _WITHIN_SECONDS:
        raise GaveUp(f"{name} died {_DEATHS} times in {_WITHIN_SECONDS} seconds ({reason}): {last}")
    recent = sum(now - death < _WITHIN_SECONDS for death in part.deaths)
    part.start_at = now + _FIRST_PAUSE * 2 ** (recent - 1)
    say(f"{name} died ({reason}), starting it again; its last words: {last or 'none'}")


def _wait(children: list[Child], until: float) -> list[Child]:
    """Those that still run then."""
    while running := [child for child in children if child.runs and not child.ended()]:
        if time.monotonic() > until:
            return running
        time.sleep(_POLL_SECONDS)
    return []
