"""What is to be recorded but must not wait for the database: hits of opens and clicks, appended to a spool file.

One `os.write` to a file of the process's own, for a hit or for all that arrived at the same moment, before any of them
is answered: so hits are kept even while the database and Redis are down, and survive a kill -9 of the process, for the
kernel has them. There is no fsync: a machine that loses power may lose the hits of its last seconds, which is the price
of tens of thousands of hits per second instead of a few hundred.

In charge of: appending. Not of: reading (`ingest.py`), which also deletes the files, and not of what a hit says: a
record is a JSON array on a line, its first item the moment in milliseconds.
"""

import fcntl
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

SUFFIX = ".spool"

Record = list[Any]


class Spool:
    """This process's file in the spool folder, opened at the first hit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = -1
        self._owner = 0
        self._torn = False
        self._lock = threading.Lock()

    def append(self, lines: bytes) -> bool:
        """Keep whole lines; False (and a line in the log) if the disk does not take them."""
        with self._lock:
            try:
                return self._write(lines)
            except OSError as error:
                log.error("hits could not be kept: %s", error)  # noqa: TRY400
                return False

    def close(self) -> None:
        """Let go of the file; the next hit opens another."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _write(self, lines: bytes) -> bool:
        file = self._opened()
        try:
            # A full disk may have cut the record before: these must not become its end.
            written = os.write(file, b"\n" + lines if self._torn else lines)
            self._torn = written != len(lines) + self._torn
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return not self._torn

    def _opened(self) -> int:
        """Our file, locked against deletion: a reader that has read all of it may have removed it."""
        # After a fork both processes hold the parent's file; each must have its own lock.
        if self._file < 0 or self._owner != os.getpid():
            self._file = self._create()
        while True:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            if os.fstat(self._file).st_nlink:
                return self._file
            os.close(self._file)
            self._file = self._create()

    def _create(self) -> int:
        self._owner, self._torn = os.getpid(), False
        # Names are never used twice, as a SpoolOffset may outlive its file.
        path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
