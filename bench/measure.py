"""A measured figure beside its yardstick, and how it is taken.

A figure alone says little on a machine that nobody knows; beside something that does the same in a plainer way, on the
same machine at the same time, it does. Nothing here asserts anything.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

SERIES = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """How long one piece takes, in seconds, and how long the yardstick takes."""

    name: str
    seconds: float
    yardstick: str
    yardstick_seconds: float

    def __str__(self) -> str:
        ratio = self.seconds / self.yardstick_seconds
        ours, theirs = _readable(self.seconds), _readable(self.yardstick_seconds)
        return f"{self.name:<34}{ours:>10}   {self.yardstick:<44}{theirs:>10}   {ratio:>8.3f}"


HEAD = f"{'what':<34}{'figure':>10}   {'yardstick':<44}{'figure':>10}   {'ratio':>8}"


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Of one piece: the least of several series, for other programs can only make it slower."""
    return min(_series(work, rounds) for _ in range(SERIES))


def cpu_seconds(work: Callable[[int], object], rounds: int) -> float:
    """Of one piece, given its number: CPU time of this process, where others may be at work beside it."""
    return min(_cpu_series(work, rounds) for _ in range(SERIES))


def _cpu_series(work: Callable[[int], object], rounds: int) -> float:
    started = time.process_time()
    for number in range(rounds):
        work(number)
    return (time.process_time() - started) / rounds


def _series(work: Callable[[], object], rounds: int) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - started) / rounds


def _readable(amount: float) -> str:
    return f"{amount * 1e6:,.1f} µs" if amount < 1e-3 else f"{amount * 1e3:,.1f} ms"
