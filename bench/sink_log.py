"""What the sink has accepted, a line a mail, on disk before its 250; and the audit that judges a trial by it.

    time TAB recipient TAB message-id TAB size TAB ending TAB marks

`ending` is `250`, or `lost` where the mail was kept and the connection cut before the reply (RFC 1047). `marks` are
what the sink was told to look for in the content, distinct and in order, separated by spaces.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Fsync(StrEnum):
    """When a line is on the disk itself: each before its reply, all of one turn of the loop before theirs, or never.

    Without it the kernel still has the line: a sink that is killed forgets nothing, a machine that loses power may.
    """

    EACH = "each"
    BATCH = "batch"
    NONE = "none"


class Log:
    """The file, open for appending. `commit` comes before the replies of what was added."""

    def __init__(self, path: Path, fsync: Fsync) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._fsync = fsync
        self._lines: list[str] = []

    def add(self, at: float, recipient: str, message_id: str, size: int, ending: str, marks: str) -> None:
        """Put a mail into the next commit."""
        self._lines.append(f"{at:.6f}\t{recipient}\t{message_id}\t{size}\t{ending}\t{marks}\n")
        if self._fsync is Fsync.EACH:
            self.commit()

    def commit(self) -> None:
        """Write what was added."""
        if not self._lines:
            return
        os.write(self._file, "".join(self._lines).encode())
        self._lines.clear()
        if self._fsync is not Fsync.NONE:
            os.fdatasync(self._file)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One mail that the sink took."""

    at: float
    recipient: str
    message_id: str
    size: int
    ending: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What a log says. `times` is how often each recipient was mailed."""

    accepted: int = 0
    lost_replies: int = 0
    first: float = 0.0
    last: float = 0.0
    times: Counter[str] = field(default_factory=Counter)

    @property
    def unique(self) -> int:
        """Recipients who got at least one mail."""
        return len(self.times)

    @property
    def doubled(self) -> int:
        """Mails too many."""
        return self.accepted - self.unique

    @property
    def twice(self) -> set[str]:
        """Who got more than one."""
        return {recipient for recipient, times in self.times.items() if times > 1}


def read_log(path: Path) -> Iterator[Accepted]:
    """The lines of a log that are whole."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                at, recipient, message_id, size, ending, marks = line[:-1].split("\t")
                yield Accepted(float(at), recipient, message_id, int(size), ending, tuple(marks.split()))


def audit(path: Path) -> Audit:
    """Read a log and count."""
    times: Counter[str] = Counter()
    lost = 0
    first = last = 0.0
    for mail in read_log(path):
        first, last = first or mail.at, mail.at
        times[mail.recipient] += 1
        lost += mail.ending == "lost"
    return Audit(times.total(), lost, first, last, times)
