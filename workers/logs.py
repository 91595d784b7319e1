"""Where log lines go: all of them into one file per part, warnings also to the terminal, one line each.

Not in charge of: what is logged. No line holds an address or user agent of a reader (TRUST T5), so there is
no access log.
"""

import logging
import logging.handlers
import os
import time
from pathlib import Path
from typing import TextIO

# Then the old lines move to <part>.log.1 and the ones before are forgotten.
_MOST_BYTES = 20_000_000


class _OneLine(logging.Formatter):
    """For the terminal: an exception is its last line; the traceback is in the file."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """Name the part and what happened."""
        line = f"{self._part}: {record.getMessage()}"
        if record.exc_info and record.exc_info[0]:
            line += f": {record.exc_info[0].__name__}: {record.exc_info[1]}"
        return line.replace("\n", " ")


def to_terminal() -> None:
    """For a part started by itself, whose terminal belongs to something that keeps lines, such as systemd."""
    handler = logging.StreamHandler()
    handler.setFormatter(_stamped("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    _use(handler)


def to_file(file: Path, part: str) -> None:
    """For a part under the supervisor: its own file, and what is worth a look also to the terminal."""
    file.parent.mkdir(parents=True, exist_ok=True)
    terminal = os.fdopen(os.dup(2), "w", buffering=1)
    _divert(file)
    # Watched: the supervisor moves a file that has grown too long, and the next line begins a new one.
    lines = logging.handlers.WatchedFileHandler(file)
    lines.setFormatter(_stamped(f"%(asctime)s {part} %(levelname)s %(name)s: %(message)s"))
    _use(lines, _warnings(terminal, part))


def shorten(folder: Path) -> None:
    """Put files aside that have grown too long."""
    for file in folder.glob("*.log"):
        if file.stat().st_size > _MOST_BYTES:
            file.rename(file.with_suffix(".log.1"))


def last_line(file: Path) -> str:
    """The last thing a part said before it died, without the stamp; empty if it said nothing."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 2000))
            lines = stream.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


def _divert(file: Path) -> None:
    """Prints, and the last words of a crash, go to the file too."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _warnings(terminal: TextIO, part: str) -> logging.Handler:
    handler = logging.StreamHandler(terminal)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_OneLine(part))
    return handler


def _stamped(pattern: str) -> logging.Formatter:
    formatter = logging.Formatter(pattern, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    return formatter


def _use(*handlers: logging.Handler) -> None:
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    # These narrate every step; what they do is said once per job by workers/runtime.py.
    for chatty in ("rq", "rq.worker", "rq.job", "rq.queue", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
