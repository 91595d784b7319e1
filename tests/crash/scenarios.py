"""All scenarios, each with its short form for `make test` and its full form for `make crash`.

The numbers are those of the table in docs/reliability.md. A new scenario is a function and a line here.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from app.db import Base, Database
from tests.crash import clocks, contents, kills, networks, outages, people, relays
from tests.crash.nursery import Nursery
from tests.crash.trial import Scale, Trial
from tests.crash.verdict import Verdict
from tests.postgres import Postgres, create_database

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# Ten minutes and two minutes away, as the table says, take as long as they say.
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A question and how it is asked. `databases` are those of the full form, `short_on` that of the short one."""

    name: str
    run: Callable[[Trial, Scale], Verdict]
    short: Scale | None
    full: Scale
    short_on: str = POSTGRESQL
    databases: tuple[str, ...] = (SQLITE, POSTGRESQL)
    needs_root: bool = False


def _full(people: int = 100_000, blows: int = 0, *, workers: int = 4, outage: float = 1.0) -> Scale:
    return Scale(people, blows, workers, outage=outage, patience=30 * _MINUTE)


SCENARIOS = (
    Scenario("Q1", kills.kill, Scale(1200, 4), _full(blows=25), SQLITE),
    Scenario("Q1-never", kills.kill_never, Scale(500, 2), _full(blows=25)),
    Scenario("Q2", kills.deploy, Scale(600, 2), _full(blows=10), SQLITE),
    Scenario("Q3", outages.queue, Scale(800), _full(outage=10 * _MINUTE)),
    Scenario("Q4", outages.database, Scale(800, 2), _full(blows=5, outage=2 * _MINUTE), databases=(POSTGRESQL,)),
    Scenario("Q5", outages.disk, Scale(600), _full(20_000), databases=(POSTGRESQL,)),
    Scenario("Q5-mount", outages.small_disk, None, _full(20_000), needs_root=True),
    Scenario("Q6", relays.storm, Scale(300), _full(20_000)),
    Scenario("Q7", relays.cut, Scale(400), _full(), SQLITE),
    Scenario("Q7-never", relays.cut_never, Scale(400), _full()),
    Scenario("Q8", relays.hang, Scale(200), _full(20_000)),
    Scenario("Q9", relays.tls, Scale(30), _full(1000)),
    Scenario("Q10", clocks.clock, Scale(200), _full(20_000)),
    Scenario("Q11", clocks.race, Scale(200, 60), _full(20_000, 500), SQLITE),
    Scenario("Q12", contents.poison, Scale(300), _full()),
    Scenario("Q14", people.leave, Scale(600, 60), _full(blows=1000)),
    Scenario("Q17", contents.own, Scale(500, 2), _full(blows=10), SQLITE),
    Scenario("Q19", people.pause, Scale(500, 6), _full(blows=50), SQLITE),
    Scenario("Q19-cancel", people.cancel, Scale(500), _full()),
    Scenario("Q20", people.hits, Scale(300, 4), _full(20_000, 8)),
    Scenario("hosts", networks.cut_off, None, _full(60_000, outage=5.0), databases=(POSTGRESQL,), needs_root=True),
)


class Stand:
    """What all trials of a run share: a nursery, and a PostgreSQL that is started when one asks for it."""

    def __init__(self) -> None:
        self.nursery = Nursery()
        self._folder = tempfile.TemporaryDirectory(prefix="letterbond-stand-", ignore_cleanup_errors=True)
        self._server: Postgres | None = None
        self._template = ""

    def close(self) -> None:
        """End everything."""
        self.nursery.close()
        if self._server:
            self._server.stop()
        self._folder.cleanup()

    @contextmanager
    def trial(self, database: str, seed: int) -> Iterator[Trial]:
        """A folder and an empty database for one trial."""
        with tempfile.TemporaryDirectory(prefix="letterbond-trial-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            folder.chmod(0o755)
            if database == SQLITE:
                another, server = (lambda: f"sqlite:///{folder / uuid4().hex}.db"), None
            else:
                another, server = self._empty_database, self._postgres()
            yield Trial(folder, another(), self.nursery, seed, server=server, another=another)

    def _empty_database(self) -> str:
        server = self._postgres().url.render_as_string(hide_password=False)
        if not self._template:
            url = create_database(server, "template_trial")
            database = Database(url)
            Base.metadata.create_all(database.engine)
            database.close()
            self._template = "template_trial"
        return create_database(server, f"trial_{uuid4().hex}", template=self._template)

    def _postgres(self) -> Postgres:
        if self._server is None:
            # What was committed must outlive a crash of the server.
            self._server = Postgres(Path(self._folder.name), synchronous_commit="on")
        return self._server
