"""A process that has imported everything and forks others from itself, so that a trial may kill one without a thought.

A sender takes two seconds of CPU to import and a hundredth to fork; this is how `letterbond run` starts its parts, too.
Each line on standard input is an order (a role of `roles.py` and its arguments) and is answered by a process id. When
the input ends, all children die with this process.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import processes
from tests.crash import roles
from workers.child import die_with

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process, and those who came from it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.crash.nursery"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def bear(self, role: str, log: Path, **arguments: Any) -> "Worker":
        """Start a process in a role; what it prints goes to `log`."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"role": role, "log": str(log), **arguments}), file=self._process.stdin, flush=True)
        return Worker(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it, and all its children."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


class Worker:
    """A process of the nursery."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return processes.is_alive(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self.lives:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        assert self.ends(10)

    def ends(self, seconds: float) -> bool:
        """Whether it ends by itself within this time."""
        until = time.monotonic() + seconds
        while self.lives:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def peak_mb(self) -> float:
        """The most memory it has had."""
        return processes.peak_mb(self.pid)


def main() -> None:
    """Take orders until there are no more."""
    # Nobody waits for children: the kernel buries them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    roles.warm_up()
    parent = os.getpid()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line), parent)
        print(pid, flush=True)


def _live(order: dict[str, Any], parent: int) -> None:
    status = 1
    try:
        die_with(parent)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order.pop("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        roles.ROLES[order.pop("role")](**order)
        status = 0
    finally:
        if error := sys.exception():
            sys.excepthook(type(error), error, error.__traceback__)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
