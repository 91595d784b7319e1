"""The web process: gunicorn around the app. It has no Transport, so it cannot send a mail even by mistake."""

import os
import signal
import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from workers.child import die_with
from workers.front import FrontWorker

_PROCESSES = 2
_THREADS = 8
# Shorter than the supervisor's patience: requests end by themselves before they are cut.
_GRACE = 20


class _Log(Logger):
    """gunicorn's lines go where all lines go (workers/logs.py)."""

    def setup(self, cfg: Any) -> None:
        """Hand the lines on."""
        super().setup(cfg)
        self.error_log.propagate = True


class _Application(BaseApplication):
    def __init__(self, app: Flask, bind: str) -> None:
        self._app, self._bind = app, bind
        super().__init__()

    def load_config(self) -> None:
        """Say everything that is not gunicorn's default."""
        settings = {
            "bind": self._bind,
            "workers": _PROCESSES,
            "worker_class": FrontWorker,
            "threads": _THREADS,
            "graceful_timeout": _GRACE,
            "control_socket_disable": True,
            "logger_class": _Log,
            "errorlog": os.devnull,
            "when_ready": lambda _arbiter: _leave_ctrl_c_alone(),
            "post_fork": lambda arbiter, _worker: die_with(arbiter.pid),
            "post_worker_init": lambda _worker: _leave_ctrl_c_alone(),
        }
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            del settings["when_ready"], settings["post_worker_init"]
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Give the app to each worker."""
        return self._app


def serve(app: Flask, listening: socket.socket) -> None:
    """Answer on a listening socket until SIGTERM; ends by SystemExit, as gunicorn does."""
    _Application(app, f"fd://{listening.fileno()}").run()


def listen(host: str, port: int) -> socket.socket:
    """Take the port; raise OSError when somebody else has it."""
    return socket.create_server((host, port), backlog=2048)


def _leave_ctrl_c_alone() -> None:
    """Our parent hears it and asks its parts to stop, in order (see workers/stopping.py)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
