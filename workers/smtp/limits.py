"""How much may go out: token buckets and places, shared by all workers through Redis.

While Redis is away each worker keeps them by itself. In charge of: the arithmetic, twice (here and in `limits.lua`,
which a test holds to be the same). A *place* is the right to have one more at once (a connection, a mail in hand); it
runs out by itself when its holder dies. Not in charge of: whose limits there are (`providers.py`, `route.py`).
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from math import ceil
from typing import Any, Protocol

from redis import Redis, RedisError

log = logging.getLogger(__name__)

PAUSE = 600.0  # R4: seconds
_LEASE = 60.0
_FULL_SPEED = 100
_BUSY = 0.05
_AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many a second, and so many at once; None for no limit."""

    per_second: float | None = None
    at_once: int | None = None

    @property
    def burst(self) -> float:
        """What a bucket holds when it is full: little, for relays count too, and some of them by the second."""
        return max(1.0, (self.per_second or 0) / 10)


class Limits(Protocol):
    """A place to ask before anything goes out. Names are `provider:gmail`, `relay:host:25`, …"""

    def take(
        self, name: str, allowance: Allowance, place: str | None = None, want: int = 1, own: int | None = None
    ) -> float:
        """Take `want` tokens and a place: 0.0 if they were there, else the seconds after which to ask again.

        With `own` (places that this process has already) nobody gets more than a fair share.
        """

    def give(self, name: str, place: str, allowance: Allowance, *, succeeded: bool) -> None:
        """Give a place back; what succeeded lets a group that was slowed down have one more at once."""

    def slow_down(self, name: str) -> None:
        """R4: nothing for ten minutes, then one at once, and one more with each success."""

    def renew(self, name: str, places: Iterable[str]) -> int:
        """Say that these places are still in use; returns how many processes share the name."""


@dataclass(slots=True)
class _State:
    tokens: float = 0.0
    at: float | None = None
    slow: int | None = None
    paused_until: float = 0.0
    places: dict[str, float] = field(default_factory=dict)


class LocalLimits:
    """The limits of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def take(
        self,
        name: str,
        allowance: Allowance,
        place: str | None = None,
        want: int = 1,
        own: int | None = None,  # noqa: ARG002 - alone, one has it all
    ) -> float:
        """See Limits."""
        now, state = self._clock(), self._states.setdefault(name, _State())
        if state.paused_until > now:
            return state.paused_until - now
        at_once = min(each for each in (allowance.at_once, state.slow, 10**9) if each is not None)
        state.places = {each: until for each, until in state.places.items() if until > now}
        if place is not None and len(state.places) >= at_once:
            return _BUSY
        if allowance.per_second:
            had = allowance.burst if state.at is None else state.tokens + (now - state.at) * allowance.per_second
            state.tokens, state.at = min(had, allowance.burst), now
            if state.tokens < want:
                return (want - state.tokens) / allowance.per_second
            state.tokens -= want
        if place is not None:
            state.places[place] = now + _LEASE
        return 0.0

    def give(self, name: str, place: str, allowance: Allowance, *, succeeded: bool) -> None:
        """See Limits."""
        state = self._states.setdefault(name, _State())
        state.places.pop(place, None)
        if succeeded and state.slow is not None:
            state.slow += 1
            if state.slow >= (allowance.at_once or _FULL_SPEED):
                state.slow = None

    def slow_down(self, name: str) -> None:
        """See Limits."""
        state = self._states.setdefault(name, _State())
        state.paused_until, state.slow = self._clock() + PAUSE, 1

    def renew(self, name: str, places: Iterable[str]) -> int:
        """See Limits."""
        state = self._states.setdefault(name, _State())
        state.places.update(dict.fromkeys(places, self._clock() + _LEASE))
        return 1


class SharedLimits:
    """The limits of all workers of an installation; while Redis is away each keeps them by itself."""

    def __init__(self, redis: "Redis", prefix: str = "letterbond:limit:") -> None:
        self._prefix = prefix
        self._script = redis.register_script(files("workers.smtp").joinpath("data/limits.lua").read_text())
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._alone = LocalLimits()
        self._away_until = 0.0

    def take(
        self, name: str, allowance: Allowance, place: str | None = None, want: int = 1, own: int | None = None
    ) -> float:
        """See Limits."""
        numbers = (allowance.per_second or 0, allowance.burst, allowance.at_once or 0)
        share = -1 if own is None else own
        answer = self._ask(name, "take", *numbers, want, place or "", self._process, share, _LEASE)
        return self._alone.take(name, allowance, place, want) if answer is None else float(answer)

    def give(self, name: str, place: str, allowance: Allowance, *, succeeded: bool) -> None:
        """See Limits."""
        self._alone.give(name, place, allowance, succeeded=succeeded)
        self._ask(name, "give", place, int(succeeded), allowance.at_once or _FULL_SPEED)

    def slow_down(self, name: str) -> None:
        """See Limits."""
        self._alone.slow_down(name)
        self._ask(name, "slow_down", PAUSE)

    def renew(self, name: str, places: Iterable[str]) -> int:
        """See Limits."""
        answer = self._ask(name, "renew", self._process, _LEASE, *places)
        return 1 if answer is None else max(1, ceil(float(answer)))

    def _ask(self, name: str, *args: Any) -> bytes | None:
        """What Redis says; None while it is away, and then it is left alone for some seconds."""
        if time.monotonic() < self._away_until:
            return None
        key = self._prefix + name
        try:
            answer: bytes = self._script(keys=[key, key + ":places", key + ":who"], args=args)
        except RedisError as error:
            log.warning("limits are kept by each worker while Redis is away: %s", error)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            return None
        return answer
