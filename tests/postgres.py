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
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


class PostgresMissingError(RuntimeError):
    """The machine has no PostgreSQL server; the message is the line to type."""


class Postgres:
    """One server on a unix socket in a folder of its own, and over TCP where a host is given.

    It does not wait for the disk, so what it has survives its own death, not the machine's. `settings` are its
    configuration beside or instead of ours.
    """

    def __init__(self, folder: Path, host: str = "", **settings: str) -> None:
        self._programs, self._folder, self._data = _programs(), folder, folder / "data"
        self._owner = _give_away(folder)
        self._settings = {"listen_addresses": host, "unix_socket_directories": str(folder), **_SETTINGS, **settings}
        port = int(settings["port"]) if "port" in settings else None
        where = {"host": str(folder)}
        self.url = URL.create("postgresql+psycopg", "postgres", port=port, database="postgres", query=where)
        _initialise(self._programs, self._data, self._owner)
        if host:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 0.0.0.0/0 trust\n")
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self._folder / "log"
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, **self._owner)
        try:
            _wait_for(self.process, self.url, log)
        except BaseException:
            self.stop()
            raise

    def crash(self) -> None:
        """Stop it at once, as `pg_ctl stop -m immediate` does: the next start recovers."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(10)

    def stop(self) -> None:
        """Stop it in order."""
        _stop(self.process)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a fresh server; see `create_database` for a database of one's own on it."""
    with tempfile.TemporaryDirectory(prefix="letterbond-pg-") as name:
        server = Postgres(Path(name))
        try:
            yield server.url.render_as_string(hide_password=False)
        finally:
            server.stop()


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
    port = f" port={url.port}" if url.port else ""
    return f"host={url.query['host']} user={url.username} dbname={url.database}{port}"
