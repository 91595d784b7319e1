"""A real PostgreSQL for tests: started in a second, thrown away at the end.

In charge of one server process on a unix socket in a temporary directory, without fsync, as a child of the
test run. The cluster that the machine may have is never touched. Which tests use it is decided by the
fixtures.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

START_SECONDS = 30


class PostgresMissingError(RuntimeError):
    """The machine has no PostgreSQL server; the message is the line to type."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a fresh server; see `create_database` for a database of one's own on it."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="letterbond-pg-") as name:
        folder = Path(name)
        owner = _give_away(folder)
        data = folder / "data"
        _initialise(programs, data, owner)
        log = folder / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(_command(programs, data, folder), stdout=output, stderr=output, **owner)
            try:
                url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": name})
                _wait_for(server, url, log)
                yield url.render_as_string(hide_password=False)
            finally:
                _stop(server)


def create_database(base_url: str, name: str, template: str | None = None) -> str:
    """Make a database, as a copy of `template` where given, and return its URL."""
    source = f' TEMPLATE "{template}"' if template else ""
    with psycopg.connect(_conninfo(make_url(base_url)), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{source}'.encode())
    return make_url(base_url).set(database=name).render_as_string(hide_password=False)


def _programs() -> Path:
    """The folder of the newest server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    candidates = list(reversed(found))
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        candidates.append(Path(answer.stdout.strip()))
    for each in candidates:
        if (each / "postgres").exists() and (each / "initdb").exists():
            return each
    raise PostgresMissingError("the tests need a PostgreSQL server; type: apt-get install postgresql")


def _give_away(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: its own user gets the folder, and these options go to subprocess."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _initialise(programs: Path, data: Path, owner: dict[str, Any]) -> None:
    # The plainest locale: what a test sees must not hang on the machine's.
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    command = [str(programs / "initdb"), "-D", str(data), *options]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **owner)
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr}")


def _command(programs: Path, data: Path, socket: Path) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(data), *options]


def _wait_for(server: "subprocess.Popen[bytes]", url: URL, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(_conninfo(url)).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGINT)  # "fast shutdown": ends open connections
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _conninfo(url: URL) -> str:
    return f"host={url.query['host']} user={url.username} dbname={url.database}"
