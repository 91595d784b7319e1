"""Which rows of a file came before: in this batch or in any earlier one.

That is a question to the file alone. So nothing of it is kept in the database, and whoever goes on in the middle of a
file reads its beginning again (`batches.py`). Of a key its 64-bit hash is kept (two of a million differing keys collide
once in some forty million files), in a scratch file of SQLite's that has no name and ends with the process. Not in
charge of: what a repeat means; each Importer decides.
"""

import sqlite3
from collections.abc import Sequence

# SQLite writes to the disk what does not fit in here: some 600,000 keys do.
_CACHE_KILOBYTES = 16_384
_SETUP = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA cache_size = -{_CACHE_KILOBYTES};
    CREATE TABLE seen (key INTEGER PRIMARY KEY, line INTEGER NOT NULL, times INTEGER NOT NULL);
"""
_ADD = "INSERT OR IGNORE INTO seen VALUES (?, ?, 1)"
_FIND = "SELECT key, line, times FROM seen WHERE key IN (SELECT value FROM json_each(?))"


class Repeats:
    """The keys of a file up to some place: which line had each first, and how often it came."""

    def __init__(self) -> None:
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.executescript(_SETUP)

    def count(self, keys: Sequence[str], lines: Sequence[int]) -> dict[int, tuple[int, int]]:
        """By place, how often those who are repeats came before, and in which line first."""
        hashes = list(map(hash, keys))
        self._scratch.execute("BEGIN")
        # In the order of keys each page of the index is found once.
        added = self._scratch.executemany(_ADD, sorted(zip(hashes, lines, strict=True)))
        repeats = self._repeats(hashes, lines) if added.rowcount < len(hashes) else {}
        self._scratch.execute("COMMIT")
        return repeats

    def _repeats(self, hashes: Sequence[int], lines: Sequence[int]) -> dict[int, tuple[int, int]]:
        found = self._scratch.execute(_FIND, (str(list(hashes)),))
        seen = {key: (line, times) for key, line, times in found}
        repeats, firsts = {}, set[int]()
        for place, (key, line) in enumerate(zip(hashes, lines, strict=True)):
            first, times = seen[key]
            if first == line and key not in firsts:
                firsts.add(key)
                continue
            repeats[place] = (times, first)
            seen[key] = (first, times + 1)
        again = [(seen[key][1], key) for key in {hashes[place] for place in repeats}]
        self._scratch.executemany("UPDATE seen SET times = ? WHERE key = ?", again)
        return repeats
