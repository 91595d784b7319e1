"""One trial: an installation, a mail server that is the judge, and processes that may be killed.

A scenario is a function of a Trial and a scale (`Scale`); it does something terrible to a campaign and gives a Verdict.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, tuple_, update

from app.campaigns.layouts import Layout
from app.campaigns.models import CampaignState, CrashPolicy
from app.db import transaction
from app.delivery.models import Delivery, DeliveryState, Shard
from bench import installation
from bench.sink_process import SinkProcess
from segments.label import Label
from tests.crash.nursery import Nursery, Worker
from tests.crash.verdict import Verdict, campaign_of

_TITLE = Label("Trial", "Versuch")
LETTER = Layout(
    "trial",
    _TITLE,
    _TITLE,
    "en",
    "Hello {{ first_name }}, {{ attributes.mark }}",
    "",
    """<html><body><p>Hello {{ name }} in {{ attributes.city }}, {{ attributes.mark }}</p>
<p><a href="https://shop.example/tea">Tea</a> <a href="https://shop.example/cups">Cups</a></p>
<p>{{ sender.imprint }}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>""",
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a trial is; `outage` and `patience` (how long to wait for the end) are seconds."""

    people: int
    blows: int = 0
    workers: int = 2
    connections: int = 5
    outage: float = 1.0
    patience: float = 180.0


@dataclass(slots=True)
class Trial:
    """Where a scenario plays."""

    folder: Path
    database_url: str
    nursery: Nursery
    seed: int = 0
    redis_url: str = "unix:///nowhere"
    # Starts, stops and kills the database server; None for SQLite.
    server: Any = None
    # Makes one more empty database and gives its URL.
    another: Callable[[], str] = lambda: ""
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def database(self) -> str:
        """Its name in the table."""
        return "SQLite" if self.database_url.startswith("sqlite") else "PostgreSQL"

    def sink(self, *options: str, port: int = 0) -> SinkProcess:
        """A mail server for this trial."""
        return SinkProcess(self.folder, *options, "--seed", str(self.seed), port=port)

    def verdict(self, question: str, audience: int) -> Verdict:
        """An empty line of the table."""
        return Verdict(question, self.database, audience, seed=self.seed)

    @contextmanager
    def stage(self, sink: SinkProcess, *, connections: int = 5, smtp_url: str = "") -> Iterator["Stage"]:
        """An installation that sends to this sink, with its app's context pushed."""
        smtp_url = smtp_url or relay_to(sink.port, connections)
        settings = installation.environment(self.folder, self.database_url, smtp_url, self.redis_url)
        app = installation.install(settings)
        stage = Stage(self, sink, settings, app)
        with app.app_context():
            try:
                yield stage
            finally:
                for each in stage.workers:
                    each.send(signal.SIGKILL)
                app.extensions["letterbond.database"].close()


def relay_to(port: int, connections: int, *, security: str = "smtp", host: str = "localhost") -> str:
    """The relay of a trial: so many connections for each sender."""
    return f"{security}://{host}:{port}?connections={connections}"


class Stage:
    """A trial under way."""

    def __init__(self, trial: Trial, sink: SinkProcess, settings: dict[str, str], app: Any) -> None:
        self.trial, self.sink, self.settings, self.app = trial, sink, settings, app
        self.chance = trial.chance
        self.workers: list[Worker] = []
        self.began = time.monotonic()

    def launch(self, people: int, policy: CrashPolicy = CrashPolicy.RESEND, **more: Any) -> int:
        """A campaign to so many people, its ledger written; its id."""
        campaign_id = installation.launched(self.app, people, more.pop("letter", LETTER), policy, **more)
        self.began = time.monotonic()
        return campaign_id

    def start(self, role: str, *, settings: dict[str, str] | None = None, **arguments: Any) -> Worker:
        """A process in this role, some settings its own; `world` and what else it needs as arguments."""
        given = self.settings | (settings or {})
        world = arguments.pop("world", {})
        log = self.trial.folder / f"{role}.log"
        worker = self.trial.nursery.bear(role, log, settings=given, world=world, **arguments)
        self.workers.append(worker)
        return worker

    def crew(self, count: int, campaign_id: int, **more: Any) -> list[Worker]:
        """So many senders of a campaign."""
        return [self.start("sender", campaign_id=campaign_id, **more) for _ in range(count)]

    def until(self, holds: Callable[[], bool], patience: float, *, every: float = 0.03) -> bool:
        """Whether it comes to hold in this time."""
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                return False
            time.sleep(every)
        return True

    def accepted(self, mails: int, patience: float) -> bool:
        """Wait until so many were accepted."""
        return self.until(lambda: self.sink.accepted() >= mails, patience)

    def ended(self, campaign_id: int, patience: float) -> bool:
        """Wait until the campaign says that it is over."""
        over = (CampaignState.SENT, CampaignState.CANCELLED)
        return self.until(lambda: campaign_of(campaign_id).state in over, patience, every=0.1)

    def finish(self, verdict: Verdict, campaign_id: int, patience: float) -> None:
        """Wait for the end and note how long it took."""
        verdict.expect(self.ended(campaign_id, patience), "the campaign did not end")
        verdict.seconds = time.monotonic() - self.began

    def logged(self, role: str = "sender") -> str:
        """What the processes of a role have printed."""
        file = self.trial.folder / f"{role}.log"
        return file.read_text() if file.exists() else ""


def let_time_pass(campaign_id: int) -> None:
    """What waits for its next try is due now: hours of backoff are not for a test."""
    deferred = (Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.DEFERRED)
    _set_back(Delivery, "next_try_at", *deferred)
    _set_back(Shard, "lease_until", Shard.campaign_id == campaign_id, Shard.owner.is_(None))
    _set_back(Shard, "due_at", Shard.campaign_id == campaign_id, Shard.owner.is_(None))


def _set_back(table: type[Delivery | Shard], column: str, *conditions: Any) -> None:
    """Set an instant to long ago, alone and only where no sender is at it: nobody may wait for us."""
    if column not in table.__table__.c:
        return
    key = tuple_(*table.__table__.primary_key.columns)
    free = select(*table.__table__.primary_key.columns).where(*conditions).with_for_update(skip_locked=True)
    with transaction() as session:
        moved = update(table).where(key.in_(free)).values({column: installation.THEN})
        session.execute(moved.execution_options(synchronize_session=False))
