"""Keeping one hit in the spool, beside the same with fsync (decision 0005)."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.events.buffer import Spool
from bench.measure import Figure, seconds

_HIT = [1_795_000_000_000, "c", 7, 1234, "3", "203.0.113.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", ""]


def figures() -> Iterator[Figure]:
    """One hit."""
    line = json.dumps(_HIT).encode() + b"\n"
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        with (Path(folder) / "synced").open("wb", buffering=0) as synced:
            yield Figure(
                "keep a hit in the spool",
                seconds(lambda: spool.append(_HIT), 5_000),
                "the same line and fsync",
                seconds(lambda: _synced(synced.fileno(), line), 50),
            )
        spool.close()


def _synced(file: int, line: bytes) -> None:
    os.write(file, line)
    os.fsync(file)
