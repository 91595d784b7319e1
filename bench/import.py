"""CSV files of people and of orders: `python -m bench.import [--rows N] [--json FILE]`; `--people N` is the same.

End to end as a worker does it, from the bytes of the file to the last commit, on an empty installation: a file of new
people, the same again (nothing changes), the same with every second city changed, and orders. The yardstick is SQL
written by hand that writes the two rows of a person (or the order and its event) with the values given, in batches of
the same size; or finds the people, compares, and changes those that differ. It reads no file, checks nothing, keeps no
proof, and remembers nothing for an undo.

The module's name is a word of Python, so nobody can import it; `-m` does not mind.
"""

import argparse
import gc
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from apiflask import APIFlask

from app import create_app
from app.accounts.models import Organisation
from app.config import Config
from app.db import Database, transaction, utc_now
from app.importing import run
from app.importing.cells import Memory
from app.importing.models import Import, ImportState
from app.migrate import upgrade
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind
from app.subscribers.topics import save_topic
from bench.import_by_hand import by_hand
from bench.worlds import DATABASES, Case, show
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


def main() -> int:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(prog="python -m bench.import")
    parser.add_argument("--rows", "--people", type=int, default=100_000, help="rows of each file")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    cases: dict[str, Case] = {}
    for name in DATABASES:
        with _installation(name) as app:
            cases |= {f"{name}, {what}": case for what, case in _measure(app, given.rows)}
    show(cases, given.json)
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return 0


@contextmanager
def _installation(name: str) -> Iterator[APIFlask]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lb-import-")))
        url = f"sqlite:///{home}/import.db"
        if name == "postgresql":
            url = create_database(stack.enter_context(running_postgres()), "import")
        config = Config.from_environment({"LETTERBOND_HOME": str(home), "DATABASE_URL": url, "SECRET_KEY": "k" * 64})
        app = create_app(config)
        upgrade(config.database_url)
        with app.app_context():
            with transaction() as session:
                given = {"locale": "en", "time_zone": "Europe/Berlin", "currency": "EUR", "created_at": utc_now()}
                session.add(Organisation(id=1, name="Bench", undo_seconds=60, **given))
                save_topic(session, None, key="news", name="News")
                add_field(session, "city", "City", FieldKind.TEXT)
            yield app
            app.extensions["letterbond.database"].close()


def _measure(app: APIFlask, rows: int) -> Iterator[tuple[str, Case]]:
    gc.freeze()
    database: Database = app.extensions["letterbond.database"]
    files: tuple[tuple[str, str, Callable[[], Iterator[str]]], ...] = (
        ("new people", "subscribers", lambda: _people(rows, 0)),
        ("the same again", "subscribers", lambda: _people(rows, 0)),
        ("every second changed", "subscribers", lambda: _people(rows, 2)),
        ("orders", "orders", lambda: _orders(rows)),
    )
    for what, kind, lines in files:
        seconds = _imported(app, kind, lines())
        yield what, Case(seconds, by_hand(database, what, rows, run.BATCH), rows)


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


def _imported(app: APIFlask, kind: str, lines: Iterator[str]) -> float:
    database: Database = app.extensions["letterbond.database"]
    folder = app.extensions["letterbond.config"].uploads
    header = next(lines)
    (folder / "file.csv").write_text("\n".join([header, *lines]) + "\n")
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
            is_surveyed=True,
            start_position=begin,
            position=begin,
            start_line=1,
            line=1,
            created_at=utc_now(),
        )
        session.add(import_)
        session.flush()
        number = import_.id
    started, busy, memory = time.perf_counter(), True, Memory()
    gc.disable()
    while busy:
        with database.bulk() as session:
            busy = run.advance(session, number, "bench", folder, utc_now(), memory=memory)
    gc.enable()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
