"""One flag: somebody asked this process to stop. Long work asks it between two pieces: none is cut in half."""

import signal
import time
from types import FrameType


class Stop:
    """Raised by SIGTERM, and by Ctrl-C unless a parent process takes care of that; calling it asks."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        """Whether to stop now."""
        return self._asked

    def ask(self) -> None:
        """Ask for the end from within."""
        self._asked = True

    def listen(self) -> "Stop":
        """Take the signals of this process."""
        signal.signal(signal.SIGTERM, self._on_signal)
        # Ignored already means: our parent hears Ctrl-C and decides in which order its parts stop.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def wait(self, seconds: float) -> None:
        """Sleep, but not through the end."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
