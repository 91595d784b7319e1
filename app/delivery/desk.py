"""What a sender works with: only worker processes have a transport, so only they can lay this desk."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from app.config import Config
from app.db import Database
from app.tokens import Tokens
from app.transport import Transport


@dataclass(frozen=True, slots=True)
class Desk:
    """One connection to the relay, and what goes with it."""

    database: Database
    journals: Path
    tokens: Tokens
    base_url: str
    transport: Transport
    stopping: Callable[[], bool]
    owner: str


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk of this process, cleared at the end."""
    config: Config = current_app.extensions["letterbond.config"]
    transport = current_app.extensions["letterbond.transport"]()
    try:
        yield Desk(
            database=current_app.extensions["letterbond.database"],
            journals=config.journal,
            tokens=current_app.extensions["letterbond.tokens"],
            base_url=config.base_url,
            transport=transport,
            stopping=current_app.extensions.get("letterbond.stopping", lambda: False),
            owner=f"{socket.gethostname()}:{os.getpid()}",
        )
    finally:
        transport.close()
