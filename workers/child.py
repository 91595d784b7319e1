"""A part of Letterbond in a process of its own: forked, logged, told to stop, and never left behind.

Not in charge of: which parts there are, and what to do when one dies (`workers/supervisor.py`).
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from workers import logs
from workers.stopping import Stop

_PR_SET_PDEATHSIG = 1


class Child:
    """One process; `main` is run in it and asks the Stop it is given. Starting again makes a new process."""

    def __init__(self, name: str, main: Callable[[Stop], None], log_folder: Path) -> None:
        self.name = name
        self.log_file = log_folder / f"{name}.log"
        self._main = main
        self._pid = 0

    @property
    def runs(self) -> bool:
        """Started, and not seen to have ended."""
        return bool(self._pid)

    @property
    def pid(self) -> int:
        """The process, 0 when there is none."""
        return self._pid

    def start(self) -> None:
        """Fork. The caller has no threads and no open database connection."""
        parent = os.getpid()
        sys.stdout.flush()
        self._pid = os.fork()
        if not self._pid:
            self._live(parent)

    def ended(self) -> str | None:
        """How it ended, in words; None while it runs."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return None
        self._pid = 0
        code = os.waitstatus_to_exitcode(status)
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal if it runs. It cannot reach a stranger: a number is free only after `ended`."""
        if self._pid:
            os.kill(self._pid, number)

    def _live(self, parent: int) -> None:
        status = 1
        try:
            die_with(parent)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            logs.to_file(self.log_file, self.name)
            self._main(Stop().listen())
            status = 0
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        finally:
            if error := sys.exception():
                sys.excepthook(type(error), error, error.__traceback__)
            sys.stdout.flush()
            sys.stderr.flush()
            # The parent's clean-up (at exit, finally) is not ours to run.
            os._exit(status)


def die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent dies: an orphan would go on sending."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
