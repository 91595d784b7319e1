"""When to look again whether a mail may go."""

import time


class Waker:
    """Says when there may be something to do again; `due` is the earliest time asked for."""

    def __init__(self) -> None:
        self.due = float("inf")

    def wake(self, seconds: float) -> None:
        """Look again after so many seconds."""
        self.due = min(self.due, time.monotonic() + seconds)
