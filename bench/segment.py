"""Counting a rule over 200,000 people in SQLite, and what a side index would do to it (decision 0004)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import create_app
from app.audiences.count import count
from app.audiences.reading import reader
from app.config import Config
from app.db import Base, reading, transaction, utc_now
from app.subscribers.models import Standing
from bench.measure import Figure, seconds

PEOPLE = 200_000
_RULE = {
    "all": [
        {"field": "country", "op": "is_any_of", "value": ["DE", "AT"]},
        {"field": "last_clicked", "op": "within_days", "value": 30},
        {"field": "spent", "op": "at_least", "value": 50},
    ]
}
_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE})"
# Mixed by multiplication, so that no column is in the order of another. Nine of ten are active.
_SUBSCRIBERS = f"""INSERT INTO subscriber (id, email, address_key, address_hash, attributes, token_epoch)
    {_NUMBERS} SELECT i, i || '@example.org', i || '@example.org', 'hash' || i, '{{}}', 0 FROM n"""
_STANDINGS = f"""INSERT INTO standing (subscriber_id, status, tracking, language, country, created_at,
        sent, opens, clicks, last_clicked_at, orders, spent, score)
    {_NUMBERS} SELECT i, i * 7919 % 10 > 0, 2, 'de', substr('DEATCHFRNL', i * 104729 % 5 * 2 + 1, 2), :now - i * 31,
        20, 5, 2, :now - i * 15485863 % 15552000, i % 4, i * 1299709 % 20000, 0 FROM n"""
# It holds just the people that segments are of, by a column that the rule asks for.
_SIDE_INDEX = "CREATE INDEX side ON standing (spent) WHERE status = 1"


def figures() -> Iterator[Figure]:
    """A rule of three conditions; then with an index that looks made for it."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(_config(Path(folder)))
        database = app.extensions["letterbond.database"]
        Base.metadata.create_all(database.engine)
        with app.app_context():
            with transaction() as session:
                session.execute(text(_SUBSCRIBERS))
                session.execute(text(_STANDINGS), {"now": int(utc_now().timestamp())})
            yield from _counted()
        database.close()


def _counted() -> Iterator[Figure]:
    with reading() as session:
        scan = seconds(lambda: _people(session), 5)
        bare = seconds(lambda: session.scalar(select(func.count(Standing.country))), 5)
    yield Figure(f"count a rule, {PEOPLE:,} people", scan, "count one column, no condition", bare)
    with transaction() as session:
        session.execute(text(_SIDE_INDEX))
    with reading() as session:
        indexed = seconds(lambda: _people(session), 5)
    yield Figure("the same with a side index", indexed, "without it", scan)


def _people(session: Session) -> int:
    return count(session, reader(session, utc_now()).people(_RULE))


def _config(home: Path) -> Config:
    environment = {"LETTERBOND_HOME": str(home), "SECRET_KEY": "k" * 64}
    return Config.from_environment(environment)
