"""Reads the next batch of a large file in a second process while this one writes the last.

Reading and judging cells takes a third of what writing them does. The second process is a copy of the first one that
touches no database, waits until its batch is taken, and ends with the pipe. Whatever goes wrong there is read again
here, and goes wrong here. Not in charge of: what a batch is (`batches.py`).
"""

import multiprocessing
import pickle
import signal
from contextlib import suppress
from multiprocessing.connection import Connection

from app.importing.batches import Batch, File
from app.importing.reading import Place

# Below so many bytes a second process costs more than it saves.
LARGE = 4_000_000


class Ahead:
    """The second process: the batches from a place on, each once, in their order."""

    def __init__(self, file: File, start: Place, size: int) -> None:
        # Forked: the meanings of cells cannot be sent, and a new interpreter takes as long as 50,000 rows.
        fork = multiprocessing.get_context("fork")
        self._pipe, other = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_read_on, args=(self._pipe, other, file, start, size), daemon=True)
        self._process.start()
        other.close()

    def batch(self, start: Place) -> Batch | None:
        """The batch that begins here; None if this process has to read it itself."""
        with suppress(EOFError, OSError):
            batch: Batch = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - our own child wrote it
            if batch.start == start:
                return batch
        return None

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        # It has nothing to put in order.
        self._process.kill()
        self._process.join()


def _read_on(mine: Connection, pipe: Connection, file: File, start: Place, size: int) -> None:
    # A copy of a worker has the worker's ways to stop, too, which are not for it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    # Else it would wait for itself to read when its parent is dead.
    mine.close()
    is_last = False
    with suppress(BrokenPipeError):
        while not is_last:
            batch = file.batch(start, size)
            pipe.send_bytes(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
            start, is_last = batch.end, batch.is_last
