"""Which rows of a file came before: in this batch or in any earlier one, also after a restart.

Keys are kept as 63-bit hashes (two of a million differing keys collide once in some ten million files) until the import
ends. Not in charge of: what a repeat means; each Importer decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, delete, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.importing.batch import as_table
from app.importing.importer import Row
from app.importing.models import ImportKey


def count_repeats(
    session: Session, import_id: int, rows: Sequence[Row], key: Callable[[dict[str, Any]], str]
) -> list[Row]:
    """The same rows, each knowing how many equals it had before; remembered for later batches."""
    keys = [_hash(key(row.values)) for row in rows]
    seen = _seen(session, import_id, keys)
    counted = []
    for row, each in zip(rows, keys, strict=True):
        line, times = seen.get(each, (row.line, 0))
        counted.append(replace(row, repeats=times, first_line=line))
        seen[each] = (line, times + 1)
    _remember(session, import_id, seen)
    return counted


def forget_keys(session: Session, import_id: int) -> None:
    """The import has ended or begins anew."""
    session.execute(delete(ImportKey).where(ImportKey.import_id == import_id))


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def _seen(session: Session, import_id: int, keys: list[int]) -> dict[int, tuple[int, int]]:
    asked = as_table(session, {"key": BigInteger()}, ((each,) for each in keys))
    statement = select(ImportKey.key, ImportKey.line, ImportKey.times).where(ImportKey.import_id == import_id)
    found = session.execute(statement.where(ImportKey.key.in_(select(asked.c.key))))
    return {key: (line, times) for key, line, times in found}


def _remember(session: Session, import_id: int, seen: dict[int, tuple[int, int]]) -> None:
    types = {"import_id": BigInteger(), "key": BigInteger(), "line": BigInteger(), "times": BigInteger()}
    rows = as_table(session, types, ((import_id, key, *value) for key, value in seen.items()))
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(ImportKey)
    statement = insert.from_select(list(types), select(rows).where(true()))
    session.execute(
        statement.on_conflict_do_update(index_elements=["import_id", "key"], set_={"times": statement.excluded.times})
    )
