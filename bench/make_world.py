"""A made-up installation of any size to measure on: `python -m bench.make_world --people 1000000 --database URL`.

A million people make some 19 million deliveries of 20 campaigns, 15 million events, a million orders and 20 segments,
in six years of which the last two have mails. DuckDB invents the rows (the same on both databases, by the seed) and
writes them in bulk; what the product derives (scores, tiers, memberships) it derives itself. `letterbond run` opens the
result with the same DATABASE_URL and LETTERBOND_HOME (or SECRET_KEY) that it was made with.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from app import create_app
from app.accounts.setup import needs_setup
from app.config import Config
from app.db import Database, transaction
from app.migrate import upgrade
from app.tokens import Tokens
from bench.world.duck import Duck, Size, bare, duck
from bench.world.house import found, score_all, segment_all


def main() -> int:
    """Make the world that the arguments ask for."""
    given = _arguments()
    os.environ["DATABASE_URL"] = given.database
    app = create_app(Config.from_environment())
    database: Database = app.extensions["letterbond.database"]
    upgrade(app.extensions["letterbond.config"].database_url)
    end = given.until.replace(tzinfo=UTC) if given.until else _midnight()
    with app.app_context():
        size = Size(given.people, given.campaigns, given.seed, end)
        password = make_world(database, app.extensions["letterbond.tokens"], size)
    print(f"log in as bench@letterbond.example with {password}; data in {app.extensions['letterbond.config'].home}")
    return 0


def make_world(database: Database, tokens: Tokens, size: Size) -> str:
    """Fill an empty database, inside an app context; the password of its first user."""
    password = secrets.token_urlsafe(9)
    with transaction() as session:
        if not needs_setup(session):
            sys.exit("This database has users already: a made-up world wants an empty one.")
        found(session, size.campaigns, size.end, password)
    with bare(database.engine), duck(database, size, tokens.address_hash) as run:
        _invent(run, size)
    now = datetime.now(UTC)
    with _timed("scores and tiers"), transaction() as session:
        score_all(session, now)
    with _timed("segments"), bare(database.engine, ("membership",)), transaction() as session:
        segment_all(session, size.end, now)
    if database.engine.dialect.name == "postgresql":
        with _timed("vacuum"), database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return password


def _invent(run: Duck, size: Size) -> None:
    """People, deliveries and events."""
    with _timed("people invented"):
        run("dice", "person", "bought", "hit_table")
    for campaign in range(1, size.campaigns + 1):
        with _timed(f"campaign {campaign}"):
            run("mail", "hits", "delivery", campaign=campaign)
    with _timed("people"):
        run("people", "standing")
    with _timed("events and orders"):
        run("happened", "facts")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.make_world", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=20)
    parser.add_argument("--database", required=True, help="sqlite:////path/world.db or postgresql://…")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=datetime.fromisoformat, help="the day its history reaches to (default: today)")
    return parser.parse_args()


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def _timed(label: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{label:<28}{time.perf_counter() - started:8.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
