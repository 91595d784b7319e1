"""What a process of the nursery may be: a sender, a worker of a queue, the timetable, the web.

Each is the product's own code in a process of its own; only what stands around it is set here: a clock that is wrong,
a disk that is full, another network.
"""

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app import create_app
from app.campaigns.models import Campaign, CampaignState
from app.config import Config
from app.db import reading
from app.delivery import jobs
from workers import logs, runtime, schedule, web
from workers.stopping import Stop

_OVER = (CampaignState.SENT, CampaignState.CANCELLED)
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class World:
    """What stands around a process. Bytes, seconds, paths; nothing by default."""

    largest_file: int = 0
    clock: float = 0.0
    network: str = ""
    environment: dict[str, str] | None = None

    def enter(self) -> None:
        """Make it so for this process."""
        os.environ.update(self.environment or {})
        if self.largest_file:
            # Python makes an OSError of it where the signal is ignored: File too large.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))
        if self.clock:
            shift_clock(self.clock)
        if self.network:
            enter_network(self.network)


def warm_up() -> None:
    """Import what the roles need late."""
    import premailer  # noqa: F401
    import psycopg  # noqa: F401
    import uvloop  # noqa: F401


def sender(settings: dict[str, str], campaign_id: int, world: dict[str, Any]) -> None:
    """Drain one campaign over and over, as the reaper's bells would have it, until it is over."""
    World(**world).enter()
    logs.to_terminal()
    app, stop = create_app(Config.from_environment(settings), pages=False), Stop().listen()
    runtime.equip(app, stop)
    with app.app_context():
        is_over = False
        while not stop() and not is_over:
            # Asked before: what is left of a cancelled campaign is called off by one more round.
            is_over = _is_over(campaign_id)
            _patiently(lambda: jobs.drain(campaign_id))
            stop.wait(0.05)


def worker(settings: dict[str, str], queue: str, world: dict[str, Any]) -> None:
    """`letterbond work QUEUE`."""
    World(**world).enter()
    logs.to_terminal()
    runtime.work(create_app(Config.from_environment(settings), pages=False), queue, Stop().listen())


def timetable(settings: dict[str, str], world: dict[str, Any]) -> None:
    """`letterbond timetable`."""
    World(**world).enter()
    logs.to_terminal()
    schedule.run(create_app(Config.from_environment(settings), pages=False), Stop().listen())


def serve(settings: dict[str, str], world: dict[str, Any]) -> None:
    """`letterbond web`."""
    World(**world).enter()
    logs.to_terminal()
    config = Config.from_environment(settings)
    web.serve(create_app(config), web.listen("127.0.0.1", config.port))


ROLES: dict[str, Callable[..., None]] = {"sender": sender, "worker": worker, "timetable": timetable, "web": serve}


def shift_clock(seconds: float) -> None:
    """Let every `utc_now` of this process be wrong by so much. Not the database's clock: it is on another machine."""
    by = timedelta(seconds=seconds)

    def wrong() -> datetime:
        return datetime.now(UTC) + by

    for name, module in list(sys.modules.items()):
        if name.startswith(("app.", "workers.")) and hasattr(module, "utc_now"):
            module.utc_now = wrong


def enter_network(name: str) -> None:
    """Move into a network namespace made by `ip netns add`."""
    with Path(f"/var/run/netns/{name}").open() as space:
        if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def _is_over(campaign_id: int) -> bool:
    over = False

    def ask() -> None:
        nonlocal over
        with reading() as session:
            over = session.get_one(Campaign, campaign_id).state in _OVER

    _patiently(ask)
    return over


def _patiently(work: Callable[[], object]) -> None:
    """As RQ's worker does: what fails is said in the log, and the next bell tries again."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the role of workers/runtime.py
        print(f"failed: {type(error).__name__}: {error}", flush=True)
        time.sleep(0.2)
