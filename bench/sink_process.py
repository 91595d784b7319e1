"""A sink in a process of its own, and what it has taken so far."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from bench.sink_log import Audit, audit

_ROOT = Path(__file__).parent.parent


class SinkProcess:
    """Runs `python -m bench.sink` with its log in `folder`; options as on the command line. Use it in a `with`."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.log, self._faults = folder / "accepted.tsv", folder / "faults"
        self._options = [*options, "--log", str(self.log), "--faults", str(self._faults)]
        self._at, self._accepted = 0, 0
        self.port = port
        self.start()

    def start(self, *more: str) -> None:
        """Start it, again on the same port and with the same log if it ran before."""
        command = [sys.executable, "-m", "bench.sink", *self._options, *more, "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sink does not start")
        self.port = int(line.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def accepted(self) -> int:
        """How many mails it has taken."""
        with self.log.open("rb") as lines:
            lines.seek(self._at)
            new = lines.read()
        self._at += len(new)
        self._accepted += new.count(b"\n")
        return self._accepted

    def set_faults(self, *faults: str) -> None:
        """From now on these go wrong; what hangs is cut."""
        self._faults.write_text("\n".join(faults))
        self._process.send_signal(signal.SIGHUP)

    def audit(self) -> Audit:
        """Read the log from its beginning."""
        return audit(self.log)

    def stop(self) -> dict[str, Any]:
        """End it; its counts."""
        self._process.terminate()
        out, _ = self._process.communicate(timeout=10)
        counts: dict[str, Any] = json.loads(out.strip().splitlines()[-1]) if out.strip() else {}
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
