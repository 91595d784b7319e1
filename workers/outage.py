"""Says once that the queue is away, and once that it is back: not in every round of a loop that goes on trying."""

import logging

log = logging.getLogger(__name__)


class Outage:
    """What a loop that talks to Redis tells of each round."""

    def __init__(self) -> None:
        self._away = False

    def note(self, error: Exception) -> None:
        """This round failed."""
        if not self._away:
            log.warning("the queue is away, trying again: %s", error)
        self._away = True

    def over(self) -> None:
        """This round went well."""
        if self._away:
            log.warning("the queue is back")
        self._away = False
