"""Hits from the spool into the database: `python -m bench.ingest [--people N] [--hits N] [--json FILE]`.

Ours is what the product does with a hit: read the spool, judge, insert the event, add to the person, the ledger and the
campaign's totals, score, move people between tiers, and note whose segments are to be looked at. Once in transactions
of 1,000 hits and once in those that the product makes of as many as wait. "Counts alone" leaves scores and tiers out.
"Memberships too" also counts the job that looks at twenty segments of everybody who was noted, right afterwards.

The yardstick is SQL written by hand that inserts the same events and adds the same numbers (with the score) to the same
rows, in transactions of the same size, with the values given and without looking at anything.
"""

import argparse
import gc
import logging
import random
import secrets
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from apiflask import APIFlask
from sqlalchemy import make_url, text

from app.audiences.jobs import refresh_noted
from app.db import Database, utc_now
from app.events import ingest as ingesting
from app.events.ingest import BATCH, ingest
from app.feature import House
from app.tracking.take import MARK, see, take_hits
from app.tracking.verdict import BURST, Rules
from bench.worlds import DATABASES, Case, show, world

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
)
_Hit = tuple[int, str, int, str]
_FEW = 1_000


def main() -> int:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--hits", type=int, default=40_000, help="per case")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    cases: dict[str, Case] = {}
    for name in DATABASES:
        with world(name, given.people) as app:
            cases |= {f"{name}{what}": case for what, case in _measure(app, given.hits)}
    show(cases, given.json)
    return 0


def _measure(app: APIFlask, count: int) -> Iterator[tuple[str, Case]]:
    database: Database = app.extensions["letterbond.database"]
    dice, house = random.Random(1), app.extensions["letterbond.house"]
    # There is no queue here: the job that the batches ring for is run by hand, and need not be said to be late.
    logging.getLogger("app.queue").setLevel(logging.ERROR)
    # As workers do (`workers/runtime.py`); and what is read once, the lists of networks and crawlers, is read now.
    gc.freeze()
    _ingested(app, _lines(_hits(database, _FEW, dice), dice))
    fewer = (replace(each, tally=None, on_events=None) if each.name in _LATER else each for each in house.features)
    counts = House(tuple(fewer))
    for size in (_FEW, BATCH):
        ingesting.BATCH = size
        by_hand = _by_hand(database, _hits(database, count, dice), size)
        for what, features in ((", counts alone", counts), ("", house)):
            app.extensions["letterbond.house"] = features
            refresh_noted()
            seconds, taken = _ingested(app, _lines(_hits(database, count, dice), dice))
            yield f" by {size:,}{what}", Case(seconds, by_hand, taken)
        started = time.perf_counter()
        refresh_noted()
        yield f" by {size:,}, memberships too", Case(seconds + time.perf_counter() - started, by_hand, taken)


_LATER = ("scoring", "audiences")


def _ingested(app: APIFlask, lines: Iterator[str]) -> tuple[float, int]:
    """Seconds, and how many were taken."""
    folder = app.extensions["letterbond.config"].spool
    # Those of the cases before are of the same hour: they would be looked through for neighbours.
    for read in folder.iterdir():
        read.unlink()
    (folder / f"{secrets.token_hex(4)}.spool").write_text("".join(lines))
    started = time.perf_counter()
    database, take = app.extensions["letterbond.database"], partial(take_hits, rules=Rules())
    taken = ingest(database, folder, see, take, utc_now(), BURST, MARK)
    return time.perf_counter() - started, taken


def _hits(database: Database, count: int, dice: random.Random) -> list[_Hit]:
    """Opens and clicks (one in four) of the newest campaign: moment in milliseconds, kind, person, link."""
    with database.reading() as session:
        campaign = session.scalar(text("SELECT max(id) FROM campaign"))
        got = "SELECT subscriber_id FROM delivery WHERE campaign_id = :campaign AND state = 2"
        people: Sequence[int] = session.scalars(text(got), {"campaign": campaign}).all()
    begin = int(time.time() * 1000) - 3_600_000
    chosen = dice.choices(people, k=count)
    kinds = dice.choices("oooc", k=count)
    return [
        (begin + n, kind, person, str(dice.randrange(8)) if kind == "c" else "")
        for n, (kind, person) in enumerate(zip(kinds, chosen, strict=True))
    ]


def _lines(hits: Sequence[_Hit], dice: random.Random) -> Iterator[str]:
    for at, kind, person, link in hits:
        client = f"{dice.randrange(1, 223)}.{dice.randrange(256)}.{dice.randrange(256)}.7"
        yield f'[{at},"{kind}",20,{person},"{link}","{client}","{dice.choice(_AGENTS)}",""]\n'


def _by_hand(database: Database, hits: Sequence[_Hit], size: int) -> float:
    """Seconds that the same numbers take in hand-written SQL."""
    batches = [_values(hits[start : start + size]) for start in range(0, len(hits), size)]
    if database.engine.dialect.name == "sqlite":
        connection = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
        for pragma in ("synchronous = NORMAL", "wal_autocheckpoint = 16000", "cache_size = -16384"):
            connection.execute(f"PRAGMA {pragma}")
        started = time.perf_counter()
        for batch in batches:
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in zip(_SQLITE, batch, strict=True):
                connection.executemany(sql, rows)
            connection.execute("COMMIT")
        connection.close()
        return time.perf_counter() - started
    url = make_url(database.engine.url)
    with psycopg.connect(host=str(url.query["host"]), user=url.username, dbname=url.database) as server:
        started = time.perf_counter()
        for batch in batches:
            for sql, rows in zip(_POSTGRESQL, batch, strict=True):
                columns = [list(column) for column in zip(*rows, strict=True)]
                server.execute(sql, columns)
            server.commit()
        return time.perf_counter() - started


def _values(hits: Sequence[_Hit]) -> tuple[list[tuple[Any, ...]], ...]:
    """What one batch writes: events, then what it adds to people, to the ledger, and to the totals."""
    events, people = [], defaultdict(lambda: [0, 0, 0, 0, 0])
    totals: Counter[tuple[int, int, int]] = Counter()
    for at, kind, person, link in hits:
        second, is_click = at // 1000, kind == "c"
        events.append((21 if is_click else 20, person, second, 20, int(link) if link else None, 0, '{"ruleset": 1}'))
        own = people[person]
        own[is_click] += 1
        own[2 + is_click] = max(own[2 + is_click], second)
        own[4] += 1 << 20
        totals[21 if is_click else 20, int(link) if link else -1, second - second % 3600] += 1
    ordered = sorted(people.items())
    standing = [(*own, person) for person, own in ordered]
    ledger = [(own[2] or None, own[3] or None, person) for person, own in ordered]
    return events, standing, ledger, [(*what, number) for what, number in totals.items()]


_SQLITE = (
    """INSERT INTO event (kind, subscriber_id, occurred_at, campaign_id, link, verdict, data)
        VALUES (?, ?, ?, ?, ?, ?, ?)""",
    """UPDATE standing SET opens = opens + ?, clicks = clicks + ?, last_opened_at = max(coalesce(last_opened_at, 0), ?),
        last_clicked_at = max(coalesce(last_clicked_at, 0), ?), score = score + ? WHERE subscriber_id = ?""",
    """UPDATE delivery SET opened_at = coalesce(opened_at, ?), clicked_at = coalesce(clicked_at, ?)
        WHERE campaign_id = 20 AND subscriber_id = ?""",
    """INSERT INTO hit_count (campaign_id, kind, position, verdict, hour, hits) VALUES (20, ?, ?, 0, ?, ?)
        ON CONFLICT DO UPDATE SET hits = hits + excluded.hits""",
)
_POSTGRESQL = (
    """INSERT INTO event (kind, subscriber_id, occurred_at, campaign_id, link, verdict, data)
        SELECT kind, subscriber_id, occurred_at, campaign_id, link, verdict, data::jsonb
        FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[], %s::smallint[],
        %s::text[])
        AS new (kind, subscriber_id, occurred_at, campaign_id, link, verdict, data)""",
    """UPDATE standing s SET opens = s.opens + new.opens, clicks = s.clicks + new.clicks,
        last_opened_at = greatest(last_opened_at, nullif(opened, 0)),
        last_clicked_at = greatest(last_clicked_at, nullif(clicked, 0)), score = s.score + new.score
        FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS new (opens, clicks, opened, clicked, score, person) WHERE s.subscriber_id = person""",
    """UPDATE delivery d SET opened_at = coalesce(opened_at, opened), clicked_at = coalesce(clicked_at, clicked)
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (opened, clicked, person)
        WHERE d.campaign_id = 20 AND d.subscriber_id = person""",
    """INSERT INTO hit_count AS h (campaign_id, kind, position, verdict, hour, hits)
        SELECT 20, kind, position, 0, hour, hits FROM unnest(%s::smallint[], %s::smallint[], %s::bigint[], %s::bigint[])
        AS new (kind, position, hour, hits)
        ON CONFLICT (campaign_id, kind, position, verdict, hour) DO UPDATE SET hits = h.hits + excluded.hits""",
)


if __name__ == "__main__":
    sys.exit(main())
