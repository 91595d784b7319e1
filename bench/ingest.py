"""Hits from the spool into the database: `python -m bench.ingest [--people N] [--hits N] [--json FILE]`.

Ours is all that the product does with a hit, in batches of 1,000: read the spool, judge, insert the event, add to the
person, the ledger and the campaign's totals, score, and move people between tiers and segments; then the same without
segments, and without scores and segments. The yardstick is SQL written by hand that inserts the same events and adds
the same numbers (with the score) to the same rows, in the same batches, with the values given.
"""

import argparse
import gc
import random
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

from app.db import Database, utc_now
from app.events.ingest import BATCH, ingest
from app.feature import House
from app.tracking.take import see, take_hits
from app.tracking.verdict import BURST, Rules
from bench.worlds import DATABASES, Case, show, world

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
)
_Hit = tuple[int, str, int, str]
_WITHOUT: dict[str, tuple[str, ...]] = {
    "": (),
    ", no segments": ("audiences",),
    ", counts alone": ("audiences", "scoring"),
}


def main() -> int:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--hits", type=int, default=20_000, help="per case")
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
    by_hand = _by_hand(database, _hits(database, count, dice))
    # As workers do (`workers/runtime.py`); and what is read once, the lists of networks and crawlers, is read now.
    gc.freeze()
    _ingested(app, "warm", _lines(_hits(database, 100, dice), dice))
    for what, without in _WITHOUT.items():
        features = tuple(
            replace(feature, on_events=None) if feature.name in without else feature for feature in house.features
        )
        app.extensions["letterbond.house"] = House(features)
        seconds, taken = _ingested(app, str(len(without)), _lines(_hits(database, count, dice), dice))
        yield what, Case(seconds, by_hand, taken)
    app.extensions["letterbond.house"] = house


def _ingested(app: APIFlask, name: str, lines: Iterator[str]) -> tuple[float, int]:
    """Seconds, and how many were taken."""
    folder = app.extensions["letterbond.config"].spool
    (folder / f"{name}.spool").write_text("".join(lines))
    started = time.perf_counter()
    taken = ingest(
        app.extensions["letterbond.database"], folder, see, partial(take_hits, rules=Rules()), utc_now(), BURST
    )
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


def _by_hand(database: Database, hits: Sequence[_Hit]) -> float:
    """Seconds that the same numbers take in hand-written SQL."""
    batches = [_values(hits[start : start + BATCH]) for start in range(0, len(hits), BATCH)]
    if database.engine.dialect.name == "sqlite":
        connection = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
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
