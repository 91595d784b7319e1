"""What follows from the cells of a person alone: made while a batch is read, for it takes long and needs no database.

In charge of: the columns that stand for an address, a name, a birthday and the custom fields, as the database keeps
them. Not of: which rows are of somebody new (`plan.py`).
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from app.importing.importer import Rows
from app.subscribers.addresses import Address, address_hash
from app.subscribers.importing.columns import FIELD
from app.subscribers.providers import provider_of

# Columns that are made; none of a file is called so. `FIELDS` is the text of all custom fields.
KEY, HASH, PROVIDER, FIELDS = "email#key", "email#hash", "email#provider", "fields#text"


def with_keys(rows: Rows) -> Rows:
    """The same rows with addresses as texts, and their keys."""
    addresses: Sequence[Address] = rows.column("email")
    texts = {"email": [each.email for each in addresses], KEY: [each.key for each in addresses]}
    return rows.with_columns({**rows.columns, **texts})


def with_parts(rows: Rows) -> Rows:
    """The same with all that new people are made of."""
    columns = {**rows.columns, HASH: list(map(address_hash, rows.columns[KEY]))}
    columns[PROVIDER] = [_provider(email.rpartition("@")[2]) for email in rows.columns["email"]]
    if born := columns.pop("birthday", None):
        columns["birthday"] = [each and each.day for each in born]
        columns["birth_year"] = [each and each.year for each in born]
    if columns.pop("full_name", None):
        said = zip(*(rows.column(name) for name in ("first_name", "last_name", "full_name")), strict=True)
        both = [split_name(*each) for each in said]
        columns["first_name"] = [first for first, _last in both]
        columns["last_name"] = [last for _first, last in both]
    columns[FIELDS] = _fields(rows)
    return rows.with_columns(columns)


def split_name(first: str | None, last: str | None, full: str | None) -> tuple[str | None, str | None]:
    """`Anna Maria Weber`: all but the last word; beside a column of first names, `name` is the last name."""
    if last is not None or full is None:
        return first, last
    if first is not None:
        return first, full
    begin, _space, end = full.rpartition(" ")
    return (begin, end) if begin else (full, None)


@lru_cache(4096)
def _provider(domain: str) -> Any:
    return provider_of(domain)


def _fields(rows: Rows) -> list[str]:
    """Custom fields as they are stored; people of whom the same is said share theirs."""
    names = [name for name in rows.columns if name.startswith(FIELD)]
    if not names:
        return ["{}"] * len(rows)
    keys = [name.removeprefix(FIELD) for name in names]
    made: dict[tuple[Any, ...], str] = {}
    found = []
    for said in zip(*(rows.columns[name] for name in names), strict=True):
        # Lists are no keys; their texts are.
        same = said if list not in set(map(type, said)) else tuple(map(repr, said))
        if same not in made:
            made[same] = json.dumps({key: value for key, value in zip(keys, said, strict=True) if value is not None})
        found.append(made[same])
    return found
