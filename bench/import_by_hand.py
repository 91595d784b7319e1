"""The yardstick of `import.py`: the rows of an import written by hand, on copies of the tables with their indexes."""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy import make_url

from app.db import Database

_TABLES = (
    """CREATE TABLE IF NOT EXISTS by_hand (id {id}, email varchar(320), address_key varchar(320) UNIQUE,
        address_hash varchar(64), first_name varchar(200), last_name varchar(200), attributes text,
        source varchar(100), token_epoch int)""",
    "CREATE INDEX IF NOT EXISTS by_hand_hash ON by_hand (address_hash)",
    """CREATE TABLE IF NOT EXISTS by_hand_standing (id {id}, status int, tracking int, language varchar(8),
        country varchar(2), birthday int, birth_year int, created_at bigint, confirmed_at bigint, sent int, opens int,
        clicks int, orders int, spent bigint, score bigint)""",
    """CREATE TABLE IF NOT EXISTS by_hand_order (id {id}, key varchar(80) UNIQUE, subscriber_id bigint,
        ordered_at bigint, amount bigint, quantity int, product_id bigint)""",
    "CREATE INDEX IF NOT EXISTS by_hand_bought ON by_hand_order (subscriber_id, ordered_at)",
    """CREATE TABLE IF NOT EXISTS by_hand_event (id {id}, kind int, subscriber_id bigint, occurred_at bigint,
        value bigint, key varchar(80) UNIQUE, data text)""",
    "CREATE INDEX IF NOT EXISTS by_hand_happened ON by_hand_event (subscriber_id, kind, occurred_at)",
)
Rows = Sequence[tuple[Any, ...]]


def by_hand(database: Database, what: str, rows: int, size: int) -> float:
    """Seconds that so many rows take, in batches of `size`."""
    connect = _Sqlite if database.engine.dialect.name == "sqlite" else _Postgresql
    connection = connect(database)
    write = {"new people": _new, "orders": _orders}.get(what, _same)
    started = time.perf_counter()
    for start in range(0, rows, size):
        connection.begin()
        write(connection, range(start, min(start + size, rows)), every_second=what == "every second changed")
        connection.commit()
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


class _Sqlite:
    def __init__(self, database: Database) -> None:
        self._file = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
        self._file.execute("PRAGMA synchronous = NORMAL")
        for table in _TABLES:
            self._file.execute(table.format(id="INTEGER PRIMARY KEY"))

    def begin(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._file.execute("COMMIT")

    def insert(self, table: str, rows: Rows) -> None:
        self._file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def find(self, keys: Iterable[str]) -> Rows:
        among = "SELECT value FROM json_each(?)"
        found = f"SELECT s.*, t.* FROM by_hand s JOIN by_hand_standing t USING (id) WHERE address_key IN ({among})"
        return self._file.execute(found, [json.dumps([*keys])]).fetchall()

    def change(self, rows: Rows) -> None:
        self._file.executemany("UPDATE by_hand SET attributes = ? WHERE id = ?", rows)

    def close(self) -> None:
        self._file.close()


class _Postgresql:
    def __init__(self, database: Database) -> None:
        url = make_url(database.engine.url)
        self._server = psycopg.connect(host=str(url.query["host"]), user=url.username, dbname=url.database)
        for table in _TABLES:
            self._server.execute(table.format(id="bigint PRIMARY KEY"))
        self._server.commit()

    def begin(self) -> None:
        """Begins by itself."""

    def commit(self) -> None:
        self._server.commit()

    def insert(self, table: str, rows: Rows) -> None:
        with self._server.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def find(self, keys: Iterable[str]) -> Rows:
        found = "SELECT s.*, t.* FROM by_hand s JOIN by_hand_standing t USING (id) WHERE address_key = ANY(%s)"
        return self._server.execute(found, [[*keys]]).fetchall()

    def change(self, rows: Rows) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        changed = (
            "UPDATE by_hand s SET attributes = n.attributes FROM unnest(%s::text[], %s::bigint[]) AS n (attributes, id)"
        )
        self._server.execute(f"{changed} WHERE s.id = n.id", columns)

    def close(self) -> None:
        self._server.close()


_Connection = _Sqlite | _Postgresql


def _new(connection: _Connection, numbers: range, *, every_second: bool) -> None:  # noqa: ARG001 - one shape for all
    people = [(n, _key(n), _key(n), f"{n:064x}", "Anna", "Müller", _attributes("Wien"), "file", 0) for n in numbers]
    connection.insert("by_hand", people)
    states = [(n, 1, 2, "de", "DE", 1231, 1980, 1_795_000_000, 1_795_000_000, 0, 0, 0, 0, 0, 0) for n in numbers]
    connection.insert("by_hand_standing", states)


def _same(connection: _Connection, numbers: range, *, every_second: bool) -> None:
    known = {row[2]: row for row in connection.find(_key(n) for n in numbers)}
    changed = []
    for n in numbers:
        wanted = _attributes("Husum" if every_second and n % 2 == 0 else "Wien")
        if known[_key(n)][6] != wanted:
            changed.append((wanted, n))
    if changed:
        connection.change(changed)


def _orders(connection: _Connection, numbers: range, *, every_second: bool) -> None:  # noqa: ARG001 - one shape for all
    rows = [(n, n * 104_729 % numbers.stop, 1_795_000_000 - n * 7919 % 10_000_000) for n in numbers]
    connection.insert("by_hand_order", [(n, f"A{n}", whom, at, 1990, 1, n % 200) for n, whom, at in rows])
    data = '{"quantity": 1, "product": 7}'
    connection.insert("by_hand_event", [(n, 30, whom, at, 1990, f"order:A{n}", data) for n, whom, at in rows])


def _key(number: int) -> str:
    return f"reader{number}@web.example"


def _attributes(city: str) -> str:
    return json.dumps({"city": city})
