"""Counting thirty rules: what the house makes of them against the best SQL written by hand, in the same run.

    python -m bench.segments --database URL [--json FILE]          a world that `bench.make_world` made
    python -m bench.segments --people 1000000 [--json FILE]        a new one on each database, thrown away afterwards

Both must count the same people, or the run stops. Each figure is the least of some, ours and theirs in turn. At the
end, what the builder's previews of these rules take: counting, and finding ten people to show. The last two columns are
the time on the CPU of this process, which SQLite runs in: where other programs are at work it says more.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app import create_app
from app.audiences.count import count, sample
from app.audiences.models import LASTS, Segment
from app.audiences.reading import Reader, reader
from app.config import Config
from app.db import Database, reading, transaction
from app.migrate import upgrade
from app.scoring.tiers import all_tiers
from app.subscribers.models import Standing
from bench.measure import HEAD, Figure
from segments.calendar import Calendar
from segments.naming import quoted
from segments.sample import P, _coefficients
from segments.typed import read_sentence
from tests.postgres import running_postgres

SERIES = 2


def main() -> int:
    """Print a line for each rule and database."""
    parser = argparse.ArgumentParser(prog="python -m bench.segments")
    parser.add_argument("--database", help="the address of a made-up world")
    parser.add_argument("--people", type=int, default=1_000_000, help="the size of new worlds, without --database")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("only", nargs="*", help="words of cases")
    given = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for name, url in [(given.database.partition(":")[0], given.database)] if given.database else []:
        found |= _measured(name, url, given.only)
    if not given.database:
        with tempfile.TemporaryDirectory() as folder:
            for name, url in _worlds(Path(folder), given.people):
                found |= _measured(name, url, given.only)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _worlds(folder: Path, people: int) -> Iterator[tuple[str, str]]:
    """A new world on each database."""
    on_sqlite = f"sqlite:///{folder}/world.db"
    _make(on_sqlite, people)
    yield "sqlite", on_sqlite
    with running_postgres() as url:
        _make(url, people)
        yield "postgresql", url


def _make(url: str, people: int) -> None:
    # They want DuckDB, which a world that is there already does not.
    from bench.make_world import make_world
    from bench.world.duck import Size

    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with _app(url) as (database, tokens):
        upgrade(url)
        make_world(database, tokens, Size(people, 20, 1, end))


@contextmanager
def _app(url: str) -> Iterator[tuple[Database, Any]]:
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(DATABASE_URL=url, LETTERBOND_HOME=home, SECRET_KEY="k" * 64)
        app = create_app(Config.from_environment())
        with app.app_context():
            yield app.extensions["letterbond.database"], app.extensions["letterbond.tokens"]
        app.extensions["letterbond.database"].close()


def _measured(name: str, url: str, only: list[str]) -> dict[str, dict[str, Any]]:
    """The figures of one database, by case."""
    print(f"\n{name}\n{HEAD}")
    with _app(url) as (database, _tokens):
        _prepare()
        figures, previews = {}, []
        with reading() as session:
            words = reader(session, datetime.now(UTC))
            places = _places(session, words)
            for case, sentence, sql in _rules():
                if only and not any(word in case for word in only):
                    continue
                rule = read_sentence(sentence.format(**places), words.vocabulary, "en")
                people = words.matching(rule, side_by_side=True)
                found = _compared(session, case, lambda people=people: count(session, people), sql, places)
                figure, rows, cpu, yardstick_cpu = found
                print(f"{figure}   {rows:>9,}{cpu * 1e3:>10,.0f}{yardstick_cpu * 1e3:>9,.0f}", flush=True)
                if rows:
                    shown = partial(_preview, session, people)
                    previews.append(min(_seconds(shown)[0] for _ in range(SERIES)))
                figures[f"{name}: {case}"] = {
                    "seconds": round(figure.seconds, 4),
                    "yardstick_seconds": round(figure.yardstick_seconds, 4),
                    "ratio": round(figure.seconds / figure.yardstick_seconds, 3),
                    "rows": rows,
                    "cpu_seconds": round(cpu, 4),
                    "yardstick_cpu_seconds": round(yardstick_cpu, 4),
                }
        print(f"previews, count and ten people: {median(previews):.3f} s, at most {max(previews):.3f} s")
        assert database
    return figures


def _preview(session: Session, people: Any) -> object:
    return sample(session, people, count(session, people))


def _rules() -> Iterator[tuple[str, str, list[str]]]:
    """Case, sentence and the forms of its SQL, out of `segments.sql`."""
    for block in Path(__file__).with_suffix(".sql").read_text().split("\n--: ")[1:]:
        head, _, sql = block.partition("\n")
        case, _, sentence = head.partition(": ")
        yield case, sentence, sql.split("\n--or\n")


def _compared(
    session: Session, case: str, ours: Callable[[], int], forms: list[str], places: dict[str, Any]
) -> tuple[Figure, int, float, float]:
    """The figure, how many people, and the CPU time of ours and of the best by hand."""
    statements = [text(_counting(form.format(**places))) for form in forms]
    theirs = [lambda statement=each: session.scalar(statement) for each in statements]
    counted = {ours(), *(each() for each in theirs)}
    if len(counted) != 1:
        sys.exit(f"{case}: ours and theirs count {counted}")
    rounds = [[_seconds(work) for work in (ours, *theirs)] for _ in range(SERIES)]
    (mine, mine_cpu), *best = (tuple(map(min, zip(*taken, strict=True))) for taken in zip(*rounds, strict=True))
    (yardstick, yardstick_cpu) = map(min, zip(*best, strict=True))
    return Figure(case, mine, "by hand", yardstick), counted.pop(), mine_cpu, yardstick_cpu


def _counting(form: str) -> str:
    """A form is a condition; where its first line is a JOIN, that is said before."""
    join, condition = form.split("\n", 1) if form.startswith("JOIN ") else ("", form)
    return f"SELECT count(*) FROM standing s {join} WHERE s.status = 1 AND ({condition})"


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and on the CPU."""
    started, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - spent


def _prepare() -> None:
    """The world's addresses are nobody's, so providers are dealt out by number."""
    with transaction() as session:
        if session.scalar(select(func.count(Standing.provider)).select_from(Standing)) == 0:
            dealt = update(Standing).values(provider=text("subscriber_id % 12"))
            session.execute(dealt, execution_options={"synchronize_session": False})


def _places(session: Session, words: Reader) -> dict[str, Any]:
    """What stands in the braces of the rules."""
    calendar = Calendar(words.now, words.zone)
    days = {f"d{n}": int(calendar.start(calendar.in_days(-n)).timestamp()) for n in (9, 29, 30, 90, 180, 199, 400)}
    week = [calendar.in_days(n) for n in (0, 7)]
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    tier = all_tiers(session)[1]
    a, *rest = _coefficients(7)
    hashed = str(a)
    for each in rest:
        hashed = f"({hashed} * s.subscriber_id + {each}) % {P}"
    return days | {
        "tomorrow": int(calendar.start(calendar.in_days(1)).timestamp()),
        "now": int(words.now.timestamp()),
        "today": week[0].month * 100 + week[0].day,
        "next7": week[1].month * 100 + week[1].day,
        "iso400": (calendar.today - timedelta(days=400)).isoformat(),
        "iso200": (calendar.today - timedelta(days=200)).isoformat(),
        "tier": quoted(tier.name, "en"),
        "tier_id": tier.id,
        "germany": session.scalars(select(Segment.id).where(Segment.name == "Germany")).one(),
        "sample": f"{hashed} < {P // 10}" if on_sqlite else f"{hashed.replace(str(a), f'{a}::bigint', 1)} < {P // 10}",
        "lasts": int(LASTS.timestamp()),
        "pets": "json_extract(attributes, '$.pets')" if on_sqlite else "(attributes->>'pets')::float",
    }


if __name__ == "__main__":
    sys.exit(main())
