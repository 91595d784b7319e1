"""What the built-in mailbox caught: one SQLite file of its own, written by one process, read by many.

A file of its own because caught mail is no part of the books: it may be deleted at any time, and thousands
of mails a second must not wait for the database. Not in charge of: receiving (`workers/catcher.py`).
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import Path

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL,
    sender TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL
);
-- Apart, so that a search reads only the narrow rows.
CREATE TABLE IF NOT EXISTS content (mail_id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
"""
_COLUMNS = "id, received_at, sender, recipient, subject"
_SUBJECT = re.compile(rb"\nSubject:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caught:
    """A mail as it came in, for one recipient."""

    received_at: datetime
    sender: str
    recipient: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A line of the list."""

    id: int
    received_at: datetime
    sender: str
    recipient: str
    subject: str


class Store:
    """The file at `path`, made when it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._open()) as connection:
            connection.executescript(_TABLES)
        self._writer: sqlite3.Connection | None = None

    def add(self, caught: Iterable[Caught]) -> None:
        """Store mails in one commit; raise OSError when that failed, then none is stored."""
        try:
            self._writer = self._writer or self._open()
            with self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                for mail in caught:
                    row = connection.execute(
                        "INSERT INTO mail (received_at, sender, recipient, subject) VALUES (?, ?, ?, ?)",
                        (int(mail.received_at.timestamp()), mail.sender, mail.recipient, subject(mail.raw)),
                    )
                    connection.execute("INSERT INTO content VALUES (?, ?)", (row.lastrowid, mail.raw))
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def search(self, words: str = "", offset: int = 0, limit: int = 50) -> tuple[list[Mail], int]:
        """Mails whose recipient or subject holds `words`, newest first, and how many there are in all."""
        where, values = "", []
        if words:
            where = "WHERE instr(lower(recipient), lower(?)) OR instr(lower(subject), lower(?))"
            values = [words] * 2
        with closing(self._open()) as connection:
            (total,) = connection.execute(f"SELECT count(*) FROM mail {where}", values).fetchone()  # noqa: S608
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM mail {where} ORDER BY id DESC LIMIT ? OFFSET ?",  # noqa: S608
                [*values, limit, offset],
            ).fetchall()
        return [_mail(row) for row in rows], total

    def get(self, mail_id: int) -> tuple[Mail, bytes] | None:
        """One mail and its source, or None."""
        with closing(self._open()) as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS}, raw FROM mail JOIN content ON mail_id = id WHERE id = ?",  # noqa: S608
                (mail_id,),
            ).fetchone()
        return (_mail(row[:-1]), row[-1]) if row else None

    def since(self, mail_id: int) -> Iterator[tuple[Mail, bytes]]:
        """Every mail caught after this one, oldest first, with its source."""
        with closing(self._open()) as connection:
            for row in connection.execute(
                f"SELECT {_COLUMNS}, raw FROM mail JOIN content ON mail_id = id WHERE id > ? ORDER BY id",  # noqa: S608
                (mail_id,),
            ):
                yield _mail(row[:-1]), row[-1]

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def subject(raw: bytes) -> str:
    """The decoded Subject, without parsing the whole mail: it is needed for each one that comes in."""
    head, _, _ = (b"\r\n" + raw).partition(b"\r\n\r\n")
    found = _SUBJECT.search(head)
    if found is None:
        return ""
    return decoded(found[1].decode("utf-8", "replace"))


def decoded(header: str) -> str:
    """A header's value unfolded and without encoded words; as it stands where it breaks RFC 2047."""
    unfolded = " ".join(header.split())
    try:
        return str(make_header(decode_header(unfolded)))
    except (MessageError, UnicodeError, LookupError, ValueError):
        return unfolded


def _mail(row: tuple[int, int, str, str, str]) -> Mail:
    mail_id, received_at, *words = row
    return Mail(mail_id, datetime.fromtimestamp(received_at, UTC), *words)
