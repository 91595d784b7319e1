"""Reports over a large world: `python -m bench.reports --database sqlite:////path/world.db`.

Each case is ours beside the best SQL we know by hand for the same answer, in the same run; `--json FILE` writes
`{case: {seconds, yardstick_seconds, ratio, rows}}`. Without `--database`, a world of `--people` is made in a temporary
folder first (`bench.make_world`). What a page would keep is counted as the job counts it, through DuckDB; its yardstick
runs there too. Daily rows are built in a transaction that is rolled back.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from app import create_app
from app.config import Config
from app.db import Database, reading, transaction, utc_now
from app.migrate import upgrade
from app.reports import daily
from app.reports.columnar import columnar
from app.reports.models import DailyState
from bench import reports_cases as cases
from bench.reports_cases import Counted


def main() -> int:
    """Measure all cases, or those whose name holds one of the given words."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or _made(Path(folder), given.people)
        os.environ["DATABASE_URL"] = url
        os.environ.setdefault("LETTERBOND_HOME", folder)
        os.environ.setdefault("SECRET_KEY", "k" * 64)
        app = create_app(Config.from_environment())
        database: Database = app.extensions["letterbond.database"]
        upgrade(app.extensions["letterbond.config"].database_url)
        with app.app_context():
            figures = dict(_measured(database, url, Path(folder), given))
        database.close()
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--database", help="an existing world: sqlite:////path/world.db or postgresql://…")
    parser.add_argument("--people", type=int, default=100_000, help="how many, where a world has to be made")
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("only", nargs="*", help="words of cases")
    return parser.parse_args()


def _made(folder: Path, people: int) -> str:
    url = f"sqlite:///{folder / 'world.db'}"
    command = [sys.executable, "-m", "bench.make_world", "--people", str(people), "--database", url]
    subprocess.run(command, check=True, env={**os.environ, "LETTERBOND_HOME": str(folder), "SECRET_KEY": "k" * 64})
    return url


def _measured(
    database: Database, url: str, spill: Path, given: argparse.Namespace
) -> Iterator[tuple[str, dict[str, float]]]:
    if not given.only or any(word in "history page" for word in given.only):
        _build_days()
    print(f"{'case':<46}{'ours':>10}{'by hand':>10}{'ratio':>8}{'of CPU':>10}{'by hand':>10}{'rows':>12}")
    with reading() as session, columnar(url, spill) as rows:
        afresh = ((name, *(partial(_afresh, url, spill, each) for each in both)) for name, *both in cases.kept(session))
        for name, ours, by_hand in chain(
            cases.pages(session), afresh, cases.stored(session, rows), cases.nightly(database)
        ):
            if given.only and not any(word in name for word in given.only):
                continue
            (seconds, cpu, answer), (yardstick, hand_cpu, expected) = (
                _timed(each, given.rounds) for each in (ours, by_hand)
            )
            _agree(name, answer, expected)
            size = answer if isinstance(answer, int) else len(answer)
            line = f"{name:<46}{seconds:>9.3f}s{yardstick:>9.3f}s{seconds / yardstick:>8.2f}"
            print(f"{line}{cpu:>9.3f}s{hand_cpu:>9.3f}s{size:>12,}", flush=True)
            figures = {"seconds": seconds, "yardstick_seconds": yardstick, "ratio": seconds / yardstick, "rows": size}
            yield name, figures


def _afresh(url: str, spill: Path, work: Counted) -> Any:
    with columnar(url, spill) as rows:
        return work(rows)


def _build_days() -> None:
    """All daily rows, as the job builds them, if they are not there yet."""
    started = time.perf_counter()
    with reading() as session:
        if session.get(DailyState, 1) is not None:
            return
    with transaction() as session:
        daily.build(session, utc_now())
    print(f"first build of all daily rows: {time.perf_counter() - started:.1f} s", flush=True)


def _timed(work: Callable[[], Any], rounds: int) -> tuple[float, float, Any]:
    """The least time of all rounds, the least CPU time (without that of a PostgreSQL server), the answer."""
    best, least, answer = float("inf"), float("inf"), None
    for _ in range(rounds):
        started, spent = time.perf_counter(), time.process_time()
        answer = work()
        best, least = min(best, time.perf_counter() - started), min(least, time.process_time() - spent)
    return best, least, answer


def _agree(name: str, ours: Any, by_hand: Any) -> None:
    if ours != by_hand:
        print(f"  {name}: the answers differ\n    ours    {str(ours)[:300]}\n    by hand {str(by_hand)[:300]}")


if __name__ == "__main__":
    sys.exit(main())
