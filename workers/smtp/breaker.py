"""A circuit breaker: a relay that cannot be used is left alone for a while, then tried with one connection.

Not in charge of: what counts as a failure (`pool.py`).
"""

import random

from app.transport import Outcome, Result

_FAILURES = 3
_FIRST_REST, _LONGEST_REST = 30.0, 600.0
_FIRST_DELAY = 0.1


class Breaker:
    """Closed while all is well; opens after failures in a row; half open when its rest is over."""

    def __init__(self) -> None:
        self.failures = 0
        self.trouble = Outcome(Result.UNREACHABLE)
        self._rest = 0.0
        self._failed_at = 0.0
        self._open_until: float | None = None

    def is_open(self, now: float) -> bool:
        """Whether the relay is left alone."""
        return self._open_until is not None and now < self._open_until

    @property
    def is_on_trial(self) -> bool:
        """Whether no more than one connection may be tried: it opened, and nothing has worked since."""
        return self._open_until is not None

    @property
    def delay(self) -> float:
        """Seconds to wait before the next try."""
        return _FIRST_DELAY * 2 ** (self.failures - 1) if 0 < self.failures < _FAILURES else 0.0

    @property
    def opens_again(self) -> float:
        """When its rest is over."""
        return self._open_until or 0.0

    def worked(self) -> None:
        """All is well."""
        self.failures, self._rest, self._open_until = 0, 0.0, None

    def failed(self, trouble: Outcome, since: float, now: float, *, for_good: bool) -> None:
        """One more failure, of a try that began at `since`; `for_good`: trying again at once would not help."""
        if since < self._failed_at and not for_good:
            return  # it fell with the one before
        self._failed_at = now
        self.failures += 1
        self.trouble = trouble
        if for_good or self.failures >= _FAILURES or self.is_on_trial:
            self._rest = min(self._rest * 2 or _FIRST_REST, _LONGEST_REST)
            self._open_until = now + self._rest * random.uniform(0.8, 1.2)  # noqa: S311 - spreads tries, guards nothing

    def probe(self) -> None:
        """Let one try through before its time: there is no other relay, and whoever sends has waited already."""
        if self._open_until is not None:
            self._open_until = 0.0
