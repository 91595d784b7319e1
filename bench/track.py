"""Opens and clicks through the real web server: `python -m bench.track`, `--json FILE` for machines.

Asks for signed addresses on 64 kept connections (`hits.c`, so that the asking costs little), each answer read whole.
Beside it, in the same run: a server in C that answers every request alike, which is the limit of the machine; and the
plain way, a Flask view that checks the same token and inserts a row per hit, under the same gunicorn.
Every hit that was answered is looked for in the spool afterwards.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.campaigns.models import Campaign, Link
from app.campaigns.urls import TrackedUrls
from app.config import Config
from app.db import Database, utc_now
from app.migrate import upgrade
from app.tokens import Tokens
from bench.processes import cpu_seconds, peak_rss_mb

LINKS, PEOPLE, CONNECTIONS = 12, 5_000, 64
_SECRET = "bench" * 8
_SOURCE = Path(__file__).with_name("hits.c")


@dataclass(frozen=True, slots=True)
class Run:
    """So many answers; `cpu_us` is the servers' CPU time for each, in microseconds."""

    per_second: float
    cpu_us: float
    rss_mb: float


def main() -> int:
    """Measure, print a table, and fail when a hit was answered and not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.track")
    parser.add_argument("--hits", type=int, default=200_000, help="hits per scenario")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lb-track-") as folder:
        measured = _measure(Path(folder), given.hits)
    print(f"{'scenario':<10}{'hits/s':>10}{'CPU µs':>9}{'MB':>6}{'to naive':>10}{'to limit':>10}")
    for name, row in measured.items():
        print(
            f"{name:<10}{row['messages_per_second']:>10,.0f}{row['cpu_us_per_message']:>9.1f}"
            f"{row['peak_rss_mb']:>6.0f}{row['ratio_to_naive']:>10.1f}{row['ratio_to_blaster']:>10.2f}"
        )
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2) + "\n")
    return 0


def _measure(folder: Path, hits: int) -> dict[str, dict[str, float]]:
    asking = _compile(folder)
    environment = os.environ | {
        "LETTERBOND_HOME": str(folder),
        "SECRET_KEY": _SECRET,
        "DATABASE_URL": f"sqlite:///{folder}/letterbond.db",
        "PORT": str(_free_port()),
    }
    port = int(environment["PORT"])
    paths = _make_links(Config.from_environment(environment))
    with _serving([str(asking), str(port)], environment, port) as server:
        limit = _ask(asking, port, paths["click"], hits, server)
    with _serving([sys.executable, "-m", "bench.track_naive"], environment, port) as server:
        naive = _ask(asking, port, paths["click"], max(1_000, hits // 20), server)
    with _serving([sys.executable, "-m", "workers", "web"], environment, port) as server:
        runs = {name: _ask(asking, port, paths[name], hits, server) for name in ("open", "click")}
    kept = sum(file.read_bytes().count(b"\n") for file in (folder / "spool").iterdir())
    if kept != hits * len(runs):
        sys.exit(f"{hits * len(runs)} hits were answered, {kept} were kept.")
    shown = {**runs, "naive": naive, "limit": limit}
    return {
        name: {
            "messages_per_second": round(run.per_second, 1),
            "cpu_us_per_message": round(run.cpu_us, 2),
            "peak_rss_mb": round(run.rss_mb, 1),
            "ratio_to_naive": round(run.per_second / naive.per_second, 3),
            "ratio_to_blaster": round(run.per_second / limit.per_second, 3),
        }
        for name, run in shown.items()
    }


def _compile(folder: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        sys.exit("This benchmark needs a C compiler: on Debian, apt-get install gcc.")
    subprocess.run([compiler, "-O2", "-o", folder / "hits", _SOURCE], check=True)
    return folder / "hits"


def _make_links(config: Config) -> dict[str, list[str]]:
    """A campaign with links, and the paths in the mails of PEOPLE."""
    upgrade(config.database_url)
    database = Database(config.database_url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    with database.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO sender (id, name, address, imprint, created_at) VALUES (1, 'B', 'b@shop.example', 'B', 0)"
        )
        session.add(Campaign(id=1, name="Bench", sender_id=1, created_at=utc_now(), updated_at=utc_now()))
        session.flush()
        session.add_all(
            Link(campaign_id=1, position=n, target=f"https://shop.example/product/{n}") for n in range(LINKS)
        )
    database.close()
    tokens = Tokens(config.secret_key)
    mails = [TrackedUrls(tokens, "", 1, person) for person in range(1, PEOPLE + 1)]
    return {"open": [mail.pixel for mail in mails], "click": [mail.link(n % LINKS) for n, mail in enumerate(mails)]}


@contextmanager
def _serving(command: Sequence[str], environment: dict[str, str], port: int) -> Iterator[int]:
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(server, port)
        yield server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("The server did not start.")


def _ask(asking: Path, port: int, paths: Sequence[str], hits: int, server: int) -> Run:
    before = cpu_seconds(server)
    command = [str(asking), str(port), str(CONNECTIONS), str(hits)]
    asked = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=True)
    answered, seconds, bad, _own = asked.stdout.split()
    if int(bad) or int(answered) != hits:
        sys.exit(f"{bad} of {answered} answers were no redirect and no picture.")
    return Run(hits / float(seconds), (cpu_seconds(server) - before) / hits * 1e6, peak_rss_mb(server))


def _free_port() -> int:
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return int(trying.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
