"""What a sender notes the moment it happens: "I hand this mail over now", and the relay's final word.

One file per shard and epoch, 18 bytes per note, written into memory that is the kernel's copy of the file: a kill -9 of
the process loses none, and a note costs no system call. The last byte of a note is the one that makes it count, so none
is ever half read. Its room on the disk is reserved before mails are claimed: what was claimed can be noted. There is no
fsync: a machine that loses power may lose notes that the ledger does not have yet; their mails may then go twice, at
most one batch of them, none is lost. While its sender lives the file is locked: whoever can lock it knows that the
sender is dead.

Not in charge of: what the notes mean for the ledger (`recover.py`). On another host there is no such file: then all
that the ledger says is in flight is in doubt.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from mmap import mmap
from pathlib import Path
from struct import Struct

from app.transport import Outcome, Result

# Subscriber, seconds since 1970, reply code, detail and subject of the RFC 3463 code, mark: written in this order.
# Where the mark is 0 there is room that was not used, or a note that was not finished.
_NOTE = Struct("<qIHHBB")
_NOTES_PER_MAIL = 2
_INTENT = 0xFF
_RESULTS = list(Result)
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.journal")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A shard in the hands of one sender: who comes later has a higher epoch."""

    campaign_id: int
    number: int
    epoch: int

    @property
    def file_name(self) -> str:
        """Of its journal."""
        return f"{self.campaign_id}-{self.number}-{self.epoch}.journal"


@dataclass(frozen=True, slots=True)
class Note:
    """What the journal says of one mail; `outcome` is None if it was handed over and no answer was read."""

    outcome: Outcome | None
    at: datetime


class Journal:
    """The file of one stretch, open and locked."""

    def __init__(self, folder: Path, stretch: Stretch) -> None:
        self._path = folder / stretch.file_name
        self._notes: mmap | None = None
        self._at = self._reserved = 0
        # Locked before it has its name: nobody may take it for a dead sender's in between.
        nameless = folder / f"{stretch.file_name}.{os.getpid()}"
        self._file = os.open(nameless, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        nameless.rename(self._path)

    def reserve(self, mails: int) -> None:
        """Make room for the notes on so many more mails; OSError if the disk has none."""
        size = mails * _NOTES_PER_MAIL * _NOTE.size
        if not size:
            return
        os.posix_fallocate(self._file, self._reserved, size)
        if self._notes is None:
            self._notes = mmap(self._file, size)
        else:
            self._notes.resize(self._reserved + size)
        self._reserved += size

    def intend(self, subscriber_id: int) -> None:
        """From here on the mail may be out."""
        self._write(subscriber_id, int(time.time()), 0, 0, 0, _INTENT)

    def reply(self, subscriber_id: int, outcome: Outcome, seconds: int) -> None:
        """The final word on it, `seconds` after 1970."""
        self._write(subscriber_id, seconds, *_numbers(outcome.result, outcome.code, outcome.enhanced))

    def close(self) -> None:
        """Leave the notes to whoever comes next."""
        if self._notes is not None:
            self._notes.close()
        os.close(self._file)

    def remove(self) -> None:
        """Throw the notes away: the ledger has them all."""
        self._path.unlink(missing_ok=True)

    def _write(self, *fields: int) -> None:
        assert self._notes is not None
        _NOTE.pack_into(self._notes, self._at, *fields)
        self._at += _NOTE.size


@lru_cache(1024)
def _numbers(result: Result, code: int | None, enhanced: str | None) -> tuple[int, int, int, int]:
    _class, subject, detail = (enhanced or "0.0.0").split(".")
    return code or 0, int(detail) & 0xFFFF, int(subject) & 0xFF, _RESULTS.index(result) + 1


def read_notes(folder: Path, stretch: Stretch) -> dict[int, Note] | None:
    """The last note on each subscriber; None if this host has no such journal."""
    try:
        content = (folder / stretch.file_name).read_bytes()
    except FileNotFoundError:
        return None
    whole = len(content) - len(content) % _NOTE.size
    return dict(_note(*fields) for fields in _NOTE.iter_unpack(content[:whole]) if fields[-1])


def _note(subscriber_id: int, seconds: int, code: int, detail: int, subject: int, mark: int) -> tuple[int, Note]:
    at = datetime.fromtimestamp(seconds, UTC)
    if mark == _INTENT:
        return subscriber_id, Note(None, at)
    enhanced = f"{code // 100}.{subject}.{detail}" if code and (subject or detail) else None
    return subscriber_id, Note(Outcome(_RESULTS[mark - 1], code or None, enhanced), at)


def dead_stretches(folder: Path, campaign_id: int) -> Iterator[Stretch]:
    """Those whose sender died on this host: nobody holds the lock of their journal."""
    for path in folder.glob(f"{campaign_id}-*.journal"):
        found = _NAME.fullmatch(path.name)
        if found and _is_unlocked(path):
            yield Stretch(int(found[1]), int(found[2]), int(found[3]))


def remove_older(folder: Path, stretch: Stretch) -> None:
    """Throw away the journals of earlier senders of this shard, once the ledger has what they say."""
    for path in folder.glob(f"{stretch.campaign_id}-{stretch.number}-*.journal"):
        found = _NAME.fullmatch(path.name)
        if found and int(found[3]) < stretch.epoch:
            path.unlink(missing_ok=True)


def _is_unlocked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
