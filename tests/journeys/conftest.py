"""Letterbond with all its parts real: a port of its own, a mail server, workers on the queue."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, BrowserContext, Page

from app import create_app
from app.config import Config
from app.db import utc_now
from app.queue import QUEUES, redis
from tests.serving import serving
from tests.sink import Sink
from workers.outage import Outage
from workers.runtime import Worker, equip
from workers.schedule import Timetable, tick
from workers.stopping import Stop


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where all mail goes."""
    with Sink() as sink:
        yield sink


@pytest.fixture
def config(config: Config, sink: Sink) -> Config:
    """The links of mails lead to the port where we are served."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return replace(config, base_url=f"http://127.0.0.1:{port}", port=port, relays=(sink.relay,))


@pytest.fixture
def app(config: Config) -> Iterator[APIFlask]:
    """An installation that nobody has set up; its context is pushed."""
    app = create_app(config)
    # A test has no minute to wait between a mail and its first open.
    app.config.update(TESTING=True, TRACKING_INSTANT=timedelta(0))
    with app.app_context():
        yield app
    app.extensions["letterbond.database"].close()
    app.extensions["letterbond.redis"].close()


@pytest.fixture
def server(app: APIFlask, config: Config) -> Iterator[str]:
    """The address of the app."""
    with serving(app, config.port) as address:
        yield address


@pytest.fixture
def new_page(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Opens browsers, each with cookies of its own."""
    contexts: list[BrowserContext] = []

    def new_page(**options: Any) -> Page:
        contexts.append(browser.new_context(base_url=server, locale="en-US", **options))
        contexts[-1].set_default_timeout(10_000)
        return contexts[-1].new_page()

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture
def work(app: APIFlask) -> Callable[[], None]:
    """Ring all that the timetable rings, and do the jobs of every queue until none is left."""
    stop = Stop()
    equip(app, stop)
    workers = {queue: Worker(app, queue, stop, redis(), Outage()) for queue in QUEUES}

    def work() -> None:
        tick(Timetable(app.extensions["letterbond.house"].timetable), utc_now())
        while waiting := {queue: count for queue in QUEUES if (count := redis().llen(f"rq:queue:{queue}"))}:
            for queue, count in waiting.items():
                workers[queue].work(max_jobs=count, logging_level="WARNING")

    return work
