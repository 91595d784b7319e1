"""All of Letterbond as one foreground process group: starts every part, restarts what dies, stops in order.

The app is imported and built once, here, and every part is a fork of this process: a start takes two seconds
and not ten. So this process has no threads, and closes each database connection before it forks.
Not in charge of: what the parts do (`runtime`, `schedule`, `catcher`, `web`), and of installations whose parts
are run one by one (docs/operating.md).
"""

import errno
import fcntl
import json
import os
import signal
import socket
import time
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

from flask import Flask

from app import create_app
from app.accounts.setup import setup_token
from app.config import Config, ConfigError
from app.mailbox.store import Store
from app.migrate import upgrade
from app.relay import Relay
from workers import catcher, logs, runtime, schedule, web
from workers.child import Child
from workers.embedded import Valkey, check_queue, free_port
from workers.parts import GaveUp, Parts, say
from workers.stopping import Stop

# send has two: while one waits for the relay, the other renders.
_WORKERS = {"quick": "quick", "long": "long", "send-1": "send", "send-2": "send"}
# A worker that is asked to stop finishes its piece; with mailbox and Valkey all is over within 30 seconds.
_PATIENCE_SECONDS = 25
_READY_SECONDS = 30
_POLL_SECONDS = 0.05
_TIDY_SECONDS = 60


class Supervisor:
    """`start()`, then `watch()`, then `stop()`; or `run()` for all three."""

    def __init__(self, config: Config, host: str = "127.0.0.1") -> None:
        # Once started, it names the embedded servers by their real addresses.
        self.config = config
        self._host = host
        self._log_folder = config.home / "log"
        self._parts = Parts()
        self._valkey: Valkey | None = None
        self._lock: IO[str] | None = None
        self._invitation = ""
        self._stop = Stop()

    def run(self) -> int:
        """The whole life; gives the exit status. Raises ConfigError when a setting keeps it from starting."""
        self._stop.listen()
        # Started by a script in the background, Ctrl-C comes as ignored; here it is the way to stop.
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.getsignal(signal.SIGTERM))
        try:
            self.start()
            self.watch()
        except GaveUp as error:
            say(f"{error}; stopping everything")
            return 1
        finally:
            self.stop()
        return 0

    def start(self) -> None:
        """Start every part; raise ConfigError naming the setting that keeps one from starting."""
        self._lock = _hold(self.config.home)
        listening = self._listen()
        self._start_queue()
        upgrade(self.config.database_url)
        self._start_mailbox()
        app = create_app(self.config)
        self._invitation = _invitation(app)
        workers = [self._child(name, partial(runtime.work, app, queue)) for name, queue in _WORKERS.items()]
        timetable = self._child("timetable", partial(schedule.run, app))
        self._parts.start(*workers, timetable, self._child("web", lambda _stop: web.serve(app, listening)))

    def watch(self) -> None:
        """Mend until told to stop; raise GaveUp when that is of no use."""
        began = time.monotonic()
        tidy_at, announced = began + _TIDY_SECONDS, False
        while not self._stop():
            self._parts.mend()
            announced = announced or self.announce(began)
            if time.monotonic() > tidy_at:
                logs.shorten(self._log_folder)
                tidy_at += _TIDY_SECONDS
            self._stop.wait(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop web and workers first, the mailbox they send to next, and the queue last."""
        self._parts.stop(_PATIENCE_SECONDS)
        if self._valkey:
            self._valkey.clear()
        if self._lock:
            self._lock.close()

    def announce(self, began: float) -> bool:
        """Say where it runs as soon as all parts live; say what is missing when that takes long."""
        state = _health(self._host, self.config.port)
        if state and state["ok"]:
            print(f"Letterbond is running at {self.config.base_url}{self._invitation}", flush=True)  # noqa: T201
            return True
        if time.monotonic() - began < _READY_SECONDS:
            return False
        parts = [name for name, part in (state or {}).items() if isinstance(part, dict) and not part["ok"]]
        missing = ", ".join(parts) or "web"
        say(f"not ready after {_READY_SECONDS} seconds: {missing}; see {self._log_folder}")
        return True

    def _listen(self) -> socket.socket:
        port = self.config.port
        try:
            return web.listen(self._host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(f"PORT: {port} is in use by another program, choose another one") from error
            raise ConfigError(f"PORT: {port} cannot be used: {error.strerror}") from error

    def _start_queue(self) -> None:
        if not self.config.embedded_queue:
            check_queue(self.config.redis_url)
            return
        self._valkey = valkey = Valkey(self.config.home)
        self._parts.start(child := self._child("valkey", valkey.main))
        if not valkey.wait():
            raise GaveUp(f"the embedded Valkey does not start: {logs.last_line(child.log_file)}")
        self.config = replace(self.config, redis_url=valkey.url)

    def _start_mailbox(self) -> None:
        if not self.config.embedded_mailbox:
            return
        # Bound here and not in the child: so the port stays the same when the mailbox is started again.
        listening = free_port()
        host, port = listening.getsockname()
        self.config = replace(self.config, relays=(Relay("smtp", host, port),))
        path = self.config.mailbox
        self._parts.start(self._child("mailbox", lambda stop: catcher.serve(Store(path), listening, stop)))

    def _child(self, name: str, main: Any) -> Child:
        return Child(name, main, self._log_folder)


def _hold(home: Path) -> IO[str]:
    """Take the home for this instance. Children hold it too, so none is left when it can be taken again."""
    lock = (home / "lock").open("a+")
    # After a kill -9 the kernel needs a moment to end the children.
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return lock
    lock.seek(0)
    holder = lock.read()
    lock.close()
    raise ConfigError(f"LETTERBOND_HOME: {home} is used by a Letterbond that runs already (process {holder})")


def _invitation(app: Flask) -> str:
    """The setup link, while there is nobody who could log in."""
    database, tokens = app.extensions["letterbond.database"], app.extensions["letterbond.tokens"]
    with database.reading() as session:
        token = setup_token(session, tokens)
    # The parts are forked after this.
    database.close()
    base_url = app.extensions["letterbond.config"].base_url
    return f" · set up here, once: {base_url}/setup/{token}" if token else ""


def _health(host: str, port: int) -> dict[str, Any] | None:
    connection = HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=2)  # noqa: S104
    try:
        connection.request("GET", "/healthz")
        state: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return state
