"""The timetable: rings for what is due. It decides nothing: jobs look into the database themselves.

So it does not matter if two timetables run, if one misses a tick, or if Redis was away: the next round
rings again.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Flask
from redis import RedisError

from app.db import utc_now
from app.feature import House
from app.health import TICK_KEY
from app.queue import Timed, enqueue, redis
from workers.outage import Outage
from workers.stopping import Stop

log = logging.getLogger(__name__)

# People wait for what they started by a button.
_TICK_SECONDS = 0.25
_SIGN_EXPIRES_SECONDS = 60
_NEVER = datetime.min.replace(tzinfo=UTC)


class Timetable:
    """What rings how often, and when each line is due next: the first time at once."""

    def __init__(self, lines: Iterable[Timed]) -> None:
        self._next = dict.fromkeys(lines, _NEVER)

    def due(self, now: datetime) -> list[Timed]:
        """The lines to ring now; one that was missed several times rings once."""
        # Due later than one interval from now: the clock was set back (TRUST Q10).
        lines = [line for line, at in self._next.items() if at <= now or at - now > line.every]
        for line in lines:
            self._next[line] = now + line.every
        return lines


def run(app: Flask, stop: Stop) -> None:
    """Tick until told to stop."""
    house: House = app.extensions["letterbond.house"]
    timetable, outage = Timetable(house.timetable), Outage()
    log.info("%d lines", len(house.timetable))
    with app.app_context():
        while not stop():
            try:
                tick(timetable, utc_now())
                outage.over()
            except RedisError as error:
                outage.note(error)
            stop.wait(_TICK_SECONDS)


def tick(timetable: Timetable, now: datetime) -> None:
    """Give a sign of life and ring for all that is due; with Redis away it stays due."""
    redis().set(TICK_KEY, int(now.timestamp()), ex=_SIGN_EXPIRES_SECONDS)
    for line in timetable.due(now):
        enqueue(line.job)
