"""CSV files of people and of orders: `python -m bench.import [--rows N] [--here N] [--json FILE]`.

End to end as a worker does it (`import_one.py`), from the first byte to the last commit: a file of new people,
the same again (nothing changes), the same with every second city changed, and orders; with `--here`, into an
installation that has so many people already. The yardstick is SQL written by hand that writes the two rows of a person
(or the order and its event) with the values given, in batches of the same size; or finds the people, compares, and
changes those that differ. It reads no file, checks nothing, keeps no proof, and remembers nothing for an undo.

The module's name is a word of Python, so nobody can import it; `-m` does not mind.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts.models import Organisation
from app.config import Config
from app.db import Database, transaction, utc_now
from app.importing import run
from app.importing.models import Import, ImportState
from app.migrate import upgrade
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind
from app.subscribers.topics import save_topic
from bench.import_by_hand import by_hand
from bench.installation import add_people
from bench.processes import cpu_seconds
from bench.valkey import Valkey
from bench.worlds import DATABASES
from tests.postgres import create_database, running_postgres

_PEOPLE = "email,first name,last name,country,language,birthday,tags,city"
_ORDERS = "email,order number,date,amount,product"
_OPTIONS = {
    "basis": "double_opt_in_elsewhere",
    "tracking": "personal",
    "tracking_basis": "double_opt_in_elsewhere",
    "topics": [1],
    "tags": ["fair 2026"],
}
_MAPPINGS = {
    "subscribers": ("email", "first_name", "last_name", "country", "language", "birthday", "tags", "field:city"),
    "orders": ("email", "number", "ordered_at", "amount", "product"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """How long `rows` took; `cpu_seconds` with the second process, `server_seconds` those of PostgreSQL."""

    seconds: float
    yardstick_seconds: float
    cpu_seconds: float
    server_seconds: float
    megabytes: list[float]
    rows: int

    @property
    def ratio(self) -> float:
        """Ours by theirs."""
        return self.seconds / self.yardstick_seconds


def main() -> int:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(prog="python -m bench.import")
    parser.add_argument("--rows", "--people", type=int, default=100_000, help="rows of each file")
    parser.add_argument("--here", type=int, default=0, help="people who are here before")
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    cases: dict[str, Case] = {}
    print(f"{'case':<34}{'rows/s':>9}{'by hand':>9}{'ratio':>7}{'µs CPU':>8}{'server':>8}{'MB':>11}")
    for name in [given.database] if given.database else DATABASES:
        with _installation(name, given.here) as app:
            for what, case in _measure(app, given.rows):
                cases[f"{name}, {what}"] = case
                _show(f"{name}, {what}", case)
    if given.json:
        found = {name: asdict(case) | {"ratio": round(case.ratio, 3)} for name, case in cases.items()}
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _show(name: str, case: Case) -> None:
    ours, theirs = case.rows / case.seconds, case.rows / case.yardstick_seconds
    cpu, server = (each / case.rows * 1e6 for each in (case.cpu_seconds, case.server_seconds))
    megabytes = " + ".join(f"{each:.0f}" for each in case.megabytes if each)
    print(
        f"{name:<34}{ours:>9,.0f}{theirs:>9,.0f}{case.ratio:>7.2f}{cpu:>8.1f}{server:>8.1f}{megabytes:>10}", flush=True
    )


@contextmanager
def _installation(name: str, here: int = 0) -> Iterator[APIFlask]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lb-import-")))
        url = f"sqlite:///{home}/import.db"
        if name == "postgresql":
            url = create_database(stack.enter_context(running_postgres()), "import")
        # Where the app looks for it by itself.
        stack.callback(Valkey(home).kill)
        config = Config.from_environment({"LETTERBOND_HOME": str(home), "DATABASE_URL": url, "SECRET_KEY": "k" * 64})
        app = create_app(config)
        upgrade(config.database_url)
        with app.app_context():
            with transaction() as session:
                given = {"locale": "en", "time_zone": "Europe/Berlin", "currency": "EUR", "created_at": utc_now()}
                session.add(Organisation(id=1, name="Bench", undo_seconds=60, **given))
                save_topic(session, None, key="news", name="News")
                add_field(session, "city", "City", FieldKind.TEXT)
                if here:
                    add_people(session, here)
                    _mind_numbers(session, here)
            yield app
            app.extensions["letterbond.database"].close()


def _mind_numbers(session: Session, here: int) -> None:
    """People who came with their numbers have not moved PostgreSQL's counter."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('subscriber', 'id'), :here)"), {"here": here})
        session.execute(text("ANALYZE"))


def _measure(app: APIFlask, rows: int) -> Iterator[tuple[str, Case]]:
    database: Database = app.extensions["letterbond.database"]
    files: tuple[tuple[str, str, Callable[[], Iterator[str]]], ...] = (
        ("new people", "subscribers", lambda: _people(rows, 0)),
        ("the same again", "subscribers", lambda: _people(rows, 0)),
        ("every second changed", "subscribers", lambda: _people(rows, 2)),
        ("orders", "orders", lambda: _orders(rows)),
    )
    for what, kind, lines in files:
        number = _upload(app, kind, lines())
        before = _server_seconds(database)
        found = _worked(app, number)
        server = _server_seconds(database) - before
        by_them = by_hand(database, what, rows, run.BATCH)
        yield what, Case(found["seconds"], by_them, found["cpu"], server, found["megabytes"], rows)


def _worked(app: APIFlask, number: int) -> dict[str, Any]:
    """What a worker of its own says of having done it."""
    config: Config = app.extensions["letterbond.config"]
    settings = {
        "LETTERBOND_HOME": str(config.home),
        "DATABASE_URL": config.database_url,
        "SECRET_KEY": config.secret_key,
    }
    command = [sys.executable, "-m", "bench.import_one", str(number)]
    answer = subprocess.run(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _server_seconds(database: Database) -> float:
    """CPU time of PostgreSQL, with that of connections that are closed."""
    if database.engine.dialect.name == "sqlite":
        return 0.0
    with database.reading() as session:
        return cpu_seconds(
            int(session.scalar(text("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")) or 0)
        )


def _people(rows: int, changed: int) -> Iterator[str]:
    dice = random.Random(4)
    yield _PEOPLE
    for n in range(rows):
        first, last = (
            dice.choice(("Anna", "Jürgen", "Zoë", "Olga")),
            dice.choice(("Müller", "Yılmaz", "O'Neill", "Weber")),
        )
        born = f"{dice.randrange(1, 29):02}.{dice.randrange(1, 13):02}.{dice.randrange(1950, 2005)}"
        where, tags = dice.choice(("DE", "AT", "CH")), dice.choice(("press", "vip", "fair;vip", ""))
        # The dice are thrown for everybody, or all that follows would be other people.
        city = dice.choice(("Berlin", "Köln", "Wien"))
        city = "Husum" if changed and n % changed == 0 else city
        yield f"reader{n}@{dice.choice(('gmx', 'web', 'own'))}.example,{first},{last},{where},de,{born},{tags},{city}"


def _orders(rows: int) -> Iterator[str]:
    dice = random.Random(5)
    addresses = [line.partition(",")[0] for line in list(_people(rows, 0))[1:]]
    yield _ORDERS
    for n in range(rows):
        day = f"2026-{dice.randrange(1, 11):02}-{dice.randrange(1, 29):02} {dice.randrange(24):02}:15"
        yield f"{dice.choice(addresses)},A{n},{day},{dice.randrange(500, 9000) / 100},Record no. {dice.randrange(200)}"


def _upload(app: APIFlask, kind: str, lines: Iterator[str]) -> int:
    """The id of an import that waits for a worker."""
    folder = app.extensions["letterbond.config"].uploads
    header = next(lines)
    with (folder / "file.csv").open("w") as file:
        file.writelines(f"{line}\n" for line in [header, *lines])
    begin = len(header) + 1
    with transaction() as session:
        import_ = Import(
            kind=kind,
            state=ImportState.RUNNING,
            file_name="file.csv",
            file="file.csv",
            size=(folder / "file.csv").stat().st_size,
            encoding="utf-8",
            delimiter=",",
            header=header.split(","),
            mapping={str(number): name for number, name in enumerate(_MAPPINGS[kind])},
            options=_OPTIONS if kind == "subscribers" else {"unknown": "reject"},
            start_position=begin,
            position=begin,
            start_line=1,
            line=1,
            created_at=utc_now(),
        )
        session.add(import_)
        session.flush()
        return import_.id


if __name__ == "__main__":
    sys.exit(main())
