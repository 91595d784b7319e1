"""The keyed hashes of the addresses of a batch: made while it is read, for they take long and need no database."""

from collections.abc import Sequence

from app.importing.importer import Rows
from app.subscribers.addresses import address_hash

# The column that holds them; no column of a file is called so.
HASH = "email#hash"


def with_hashes(rows: Rows) -> Rows:
    """The same rows with a column more."""
    return rows.with_columns({**rows.columns, HASH: hashes_of([address.key for address in rows.column("email")])})


def hashes_of(keys: Sequence[str]) -> list[str]:
    """The hash of each address."""
    return [address_hash(key) for key in keys]
