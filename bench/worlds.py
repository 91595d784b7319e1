"""A made-up world on each database, for benchmarks that write: in a temporary folder, thrown away at the end."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from apiflask import APIFlask

from app import create_app
from app.config import Config
from app.migrate import upgrade
from bench.make_world import make_world
from bench.world.duck import Size
from tests.postgres import create_database, running_postgres

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Case:
    """How long `rows` took, and the best hand-written SQL for the same rows in the same run."""

    seconds: float
    yardstick_seconds: float
    rows: int

    @property
    def ratio(self) -> float:
        """Ours by theirs."""
        return self.seconds / self.yardstick_seconds


@contextmanager
def world(name: str, people: int, seed: int = 1, campaigns: int = 20) -> Iterator[APIFlask]:
    """An app on a made-up world; its context is pushed."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lb-world-")))
        url = f"sqlite:///{home}/world.db"
        if name == "postgresql":
            url = create_database(stack.enter_context(running_postgres()), "world")
        config = Config.from_environment({"LETTERBOND_HOME": str(home), "DATABASE_URL": url, "SECRET_KEY": "k" * 64})
        app = create_app(config)
        upgrade(config.database_url)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with app.app_context():
            with redirect_stdout(sys.stderr):
                database = app.extensions["letterbond.database"]
                make_world(database, app.extensions["letterbond.tokens"], Size(people, campaigns, seed, midnight))
            yield app
            database.close()


def show(cases: Mapping[str, Case], file: Path | None) -> None:
    """Print a table, and write it to `file` for machines."""
    print(f"{'case':<40}{'rows':>10}{'rows/s':>10}{'yardstick':>11}{'ratio':>8}")
    for name, case in cases.items():
        ours, theirs = case.rows / case.seconds, case.rows / case.yardstick_seconds
        print(f"{name:<40}{case.rows:>10,}{ours:>10,.0f}{theirs:>11,.0f}{case.ratio:>8.2f}")
    if file:
        found = {name: asdict(case) | {"ratio": round(case.ratio, 3)} for name, case in cases.items()}
        file.write_text(json.dumps(found, indent=2) + "\n")
