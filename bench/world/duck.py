"""DuckDB with Letterbond's database attached: it invents rows (`people.sql`) and writes them in bulk."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Engine, ForeignKeyConstraint, MetaData, make_url, text
from sqlalchemy.schema import AddConstraint, DropConstraint

from app.db import Base, Database
from app.delivery.kinds import BOUNCED, COMPLAINED
from app.delivery.launch import SHARD_SIZE
from app.delivery.models import DeliveryState
from app.events.models import Verdict
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import CONFIRMED, IMPORTED, SUBSCRIBED, UNSUBSCRIBED
from app.subscribers.models import Status, TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from bench.world.house import CITIES, LINKS, PRODUCTS, TAGS

_SQL = Path(__file__).with_name("people.sql")
_FIRST = """Anna Ben Clara David Emma Felix Greta Hannes Ida Jonas Käthe Leon Mia Noah Olga Paul Quirin Rosa Samuel Thea
    Ulla Viktor Wanda Xaver Yara Zoe Aylin Mehmet Zsófia Jürgen""".split()
_LAST = """Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Richter Klein Wolf Neumann
    Braun Krüger Hartmann Lange Krause Lehmann Maier Yılmaz Kowalski Nowak Dubois O'Neill Smith Jones Öztürk""".split()
_HOLD = ("event", "delivery", "order", "subscriber_tag", "subscription", "subscriber")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world, of which seed, and until when its history reaches."""

    people: int
    campaigns: int
    seed: int
    end: datetime


class Duck:
    """DuckDB with the database attached as `world`; runs the blocks of `world.sql`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, words: dict[str, Any]) -> None:
        self._connection = connection
        self._words = words
        blocks = _SQL.read_text().split("--: ")[1:]
        self._blocks = {name.strip(): sql for name, _, sql in (block.partition("\n") for block in blocks)}

    def __call__(self, *blocks: str, **more: int) -> None:
        for block in blocks:
            self._connection.execute(self._blocks[block].format_map(self._words | more))

    def teach(self, address_hash: Callable[[str], str]) -> None:
        """Teach it the product's keyed hash of an address."""
        self._connection.create_function("address_hash", address_hash, ["VARCHAR"], "VARCHAR")


@contextmanager
def duck(database: Database, size: Size, address_hash: Callable[[str], str]) -> Iterator[Duck]:
    kind = {"sqlite": "sqlite", "postgresql": "postgres"}[database.engine.dialect.name]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{folder}'; SET memory_limit = '6GB'; SET threads = 2")
        connection.execute(f"LOAD '{_extension(kind)}'")
        connection.execute(f"ATTACH '{_target(database)}' AS world (TYPE {kind})")
        found = Duck(connection, _words(size))
        found.teach(address_hash)
        yield found
        connection.execute("DETACH world")


def _extension(kind: str) -> Path:
    found = importlib.util.find_spec(f"duckdb_extension_{kind}_scanner")
    assert found
    assert found.origin
    return next(Path(found.origin).parent.rglob(f"{kind}_scanner.duckdb_extension"))


def _target(database: Database) -> str:
    url = make_url(database.engine.url)
    if database.engine.dialect.name == "sqlite":
        return str(url.database).replace("'", "''")
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    return " ".join(f"{name}={value}" for name, value in {**parts, **url.query}.items() if value)


def _words(size: Size) -> dict[str, Any]:
    """What `world.sql` leaves open: sizes, and the numbers that the product stores its states as."""
    quoted = {"first_names": _FIRST, "last_names": _LAST, "cities": CITIES}
    kinds = {"opened": OPENED, "clicked": CLICKED, "purchased": PURCHASED, "left": UNSUBSCRIBED, "no_mailbox": BOUNCED}
    kinds |= {"protested": COMPLAINED, "subscribed": SUBSCRIBED, "confirmed": CONFIRMED, "imported": IMPORTED}
    states = {f"is_{state}": place for place, state in enumerate(DeliveryState)}
    return {
        **{name: ", ".join("'" + each.replace("'", "''") + "'" for each in words) for name, words in quoted.items()},
        **{name: kind.code for name, kind in kinds.items()},
        **{name: place for enum in (Status, TrackingMode, Verdict) for place, name in enumerate(enum)},
        **states,
        "readers": ", ".join(str(place) for place, verdict in enumerate(Verdict) if verdict.is_reader),
        "people": size.people,
        "campaigns": size.campaigns,
        "seed": size.seed,
        "end": int(size.end.timestamp()),
        "links": LINKS,
        "products": PRODUCTS,
        "tags": len(TAGS),
        "shard_size": SHARD_SIZE,
    }


@contextmanager
def bare(engine: Engine, names: tuple[str, ...] = _HOLD) -> Iterator[None]:
    """Tables without side indexes and, on PostgreSQL, foreign keys: made once at the end, not row by row."""
    found = MetaData()
    found.reflect(engine, only=names)
    tables = [found.tables[name] for name in names]
    keys = [key for table in tables for key in table.constraints if isinstance(key, ForeignKeyConstraint)]
    keys = keys if engine.dialect.name == "postgresql" else []
    indexes = [index for name in names for index in Base.metadata.tables[name].indexes]
    with engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
        for key in keys:
            connection.execute(DropConstraint(key))
    # DuckDB brings an SQLite of its own, and two of them in one process must never have the same file open.
    engine.dispose()
    yield
    with engine.begin() as connection:
        for index in indexes:
            index.create(connection)
        for key in keys:
            connection.execute(AddConstraint(key))
        if engine.dialect.name == "postgresql":
            _advance_sequences(connection)


def _advance_sequences(connection: Connection) -> None:
    for table in ("subscriber", "event", "order"):
        last = f"setval(pg_get_serial_sequence('\"{table}\"', 'id'), coalesce(max(id), 0) + 1, false)"
        connection.execute(text(f'SELECT {last} FROM "{table}"'))
