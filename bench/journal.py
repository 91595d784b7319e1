"""What a sender notes of one mail, intent and reply, beside the same with fsync (decision 0001)."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.delivery.journal import Journal, Stretch
from app.transport import Outcome, Result
from bench.measure import SERIES, Figure, seconds

_MAILS = 5_000
_TAKEN = Outcome(Result.ACCEPTED, 250, "2.0.0", "ok")


def figures() -> Iterator[Figure]:
    """Two notes of one mail."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), Stretch(1, 0, 1))
        journal.reserve(_MAILS * SERIES)
        with (Path(folder) / "synced").open("wb", buffering=0) as synced:
            yield Figure(
                "note one mail in the journal",
                seconds(lambda: _note(journal), _MAILS),
                "18 bytes and fsync, twice",
                seconds(lambda: _synced(synced.fileno()), 50),
            )
        journal.close()


def _note(journal: Journal) -> None:
    journal.intend(1)
    journal.reply(1, _TAKEN, int(time.time()))


def _synced(file: int) -> None:
    for _ in range(2):
        os.write(file, bytes(18))
        os.fsync(file)
