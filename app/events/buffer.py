"""The spool: hits wait here, on local disk, until they are ingested. The web process writes it and nothing else.

One `os.write` per hit to a file of the process's own, so a hit is kept even while the database and Redis are down, and
survives a kill -9 of the process: the kernel has it. There is no fsync: a machine that loses power may lose the hits of
its last seconds, which is the price of some 40,000 hits per second instead of a few hundred.

In charge of: appending. Not of: reading (`ingest.py`), which also deletes the files, and not of what a hit says: a
record is a JSON array on a line, its first item the moment in milliseconds.
"""

import fcntl
import json
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

    def append(self, record: Record) -> bool:
        """Keep a record; False (and a line in the log) if the disk does not take it."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                return self._write(line)
            except OSError as error:
                log.error("a hit could not be kept: %s", error)  # noqa: TRY400
                return False

    def close(self) -> None:
        """Let go of the file; the next hit opens another."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> bool:
        file = self._opened()
        try:
            # A full disk may have cut the record before: this one must not become its end.
            written = os.write(file, b"\n" + line if self._torn else line)
            self._torn = written != len(line) + self._torn
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
