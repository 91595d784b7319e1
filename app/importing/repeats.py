"""Which rows of a file came before: in this batch or in any earlier one, also after a restart.

Keys are kept as 63-bit hashes (two of a million differing keys collide once in some ten million files) until the import
ends. Not in charge of: what a repeat means; each Importer decides.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns
from app.changes import numbers, update_rows
from app.importing.importer import Rows
from app.importing.models import ImportKey


def hashes(keys: Sequence[str]) -> list[int]:
    """What is remembered of keys."""
    return [_hash(key) for key in keys]


def count_repeats(session: Session, import_id: int, rows: Rows, keys: Sequence[int]) -> None:
    """Let each of the rows know how many equals it had before, by its hash; remembered for later batches."""
    seen = _seen(session, import_id, keys)
    if not seen and len(set(keys)) == len(keys):
        _remember_new(session, import_id, keys, rows.lines)
        return
    before = set(seen)
    for place, (key, line) in enumerate(zip(keys, rows.lines, strict=True)):
        if key in seen:
            first, times = seen[key]
            rows.repeats[place] = (times, first)
            seen[key] = (first, times + 1)
        else:
            seen[key] = (line, 1)
    _remember(session, import_id, seen, before)


def forget_keys(session: Session, import_id: int) -> None:
    """The import has ended or begins anew."""
    session.execute(delete(ImportKey).where(ImportKey.import_id == import_id))


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def _seen(session: Session, import_id: int, keys: Sequence[int]) -> dict[int, tuple[int, int]]:
    asked = numbers(session, key=keys)
    statement = select(ImportKey.key, ImportKey.line, ImportKey.times).where(ImportKey.import_id == import_id)
    found = session.execute(statement.where(ImportKey.key.in_(select(asked.c.key))))
    return {key: (line, times) for key, line, times in found.all()}


def _remember(session: Session, import_id: int, seen: dict[int, tuple[int, int]], before: set[int]) -> None:
    new = {key: line for key, (line, _times) in seen.items() if key not in before}
    _remember_new(session, import_id, [*new], [*new.values()])
    again = [(import_id, key, of[1]) for key, of in seen.items() if of[1] > 1]
    update_rows(session, ImportKey, ("import_id", "key", "times"), _times, again, keys=2)


def _remember_new(session: Session, import_id: int, keys: Sequence[int], lines: Sequence[int]) -> None:
    """Each came once; mostly each record is one line, and the lines count on."""
    counted = range(lines[0], lines[0] + len(lines)) if lines else lines
    lines = counted if lines and lines[-1] == counted[-1] else lines
    columns = {"import_id": Every(import_id), "key": keys, "line": lines, "times": Every(1)}
    insert_columns(session, ImportKey, columns, len(keys))


def _times(new: Mapping[str, Any]) -> dict[str, Any]:
    return {"times": new["times"]}
