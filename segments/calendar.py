"""Days in a time zone.

In charge of where a day begins: the calendar day of an instant, and the instant a day begins, daylight saving
included. Which days a rule or a report means is theirs to say.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def start_of(day: date, timezone: ZoneInfo) -> datetime:
    """The first instant of the day there, in UTC.

    Where clocks skip midnight, `fold=0` reads it with the offset before the jump, which is the instant of the
    jump; where midnight comes twice, it is the first of both.
    """
    return datetime.combine(day, time.min, timezone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Now, as the wall calendar of one time zone shows it."""

    now: datetime
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now must be an aware datetime")

    @property
    def today(self) -> date:
        return self.now.astimezone(self.timezone).date()

    def start(self, day: date) -> datetime:
        return start_of(day, self.timezone)

    def in_days(self, days: int) -> date:
        return self.today + timedelta(days=days)
