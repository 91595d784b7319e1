"""Keeping one hit in the spool, beside the same with fsync (decision 0005)."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.campaigns.urls import ClickAddress
from app.events.buffer import Spool
from app.tracking.line import hit_line
from bench.measure import Figure, seconds

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
_ADDRESS = ClickAddress(7, 1234, index=3)


def figures() -> Iterator[Figure]:
    """One hit."""
    line = hit_line(_ADDRESS, "203.0.113.7", _AGENT, "")
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        with (Path(folder) / "synced").open("wb", buffering=0) as synced:
            yield Figure(
                "keep a hit in the spool",
                seconds(lambda: spool.append(hit_line(_ADDRESS, "203.0.113.7", _AGENT, "")), 5_000),
                "the same line and fsync",
                seconds(lambda: _synced(synced.fileno(), line), 50),
            )
        spool.close()


def _synced(file: int, line: bytes) -> None:
    os.write(file, line)
    os.fsync(file)
