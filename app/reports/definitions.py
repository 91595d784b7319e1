"""What a marketer means by active, by lost and by buying again: stored, and shown beside every number it decides.

In charge of reading and changing them. Not of counting by them (`presence`, `repeat`, `ladder`).
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.reports.models import ReportSetting
from segments.ladder import Ladder


class Lost(StrEnum):
    """What ends somebody's being there; several may hold, the first to come counts."""

    SILENT = "silent"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIPTION_ENDED = "subscription_ended"


@dataclass(frozen=True, slots=True)
class Definitions:
    """`active_days` is how long a click, a purchase or a confirmation makes somebody active; `repeat_times` from which
    purchase on somebody has bought again; `acquisition_cost` in minor units."""

    active_days: int = 90
    lost_when: tuple[Lost, ...] = (Lost.SILENT, Lost.UNSUBSCRIBED)
    repeat_times: int = 2
    acquisition_cost: int = 0
    ladder: Ladder = field(default_factory=Ladder)

    def with_asked(self, days: int | None, times: int | None) -> "Definitions":
        """The same with what a report was asked in particular."""
        return replace(self, active_days=days or self.active_days, repeat_times=times or self.repeat_times)


def definitions(session: Session) -> Definitions:
    """Those in force."""
    row = session.get(ReportSetting, 1)
    if row is None:
        return Definitions()
    return Definitions(
        active_days=row.active_days,
        lost_when=tuple(each for each in Lost if each in row.lost_when),
        repeat_times=row.repeat_times,
        acquisition_cost=row.acquisition_cost,
        ladder=Ladder(row.new_days, row.active_days, row.cooling_days, row.sleeping_days),
    )


def define(
    session: Session,
    *,
    active_days: int,
    lost_when: Collection[str],
    repeat_times: int,
    acquisition_cost: int,
    new_days: int,
    cooling_days: int,
    sleeping_days: int,
) -> None:
    """Put other ones in force; Invalid where they contradict each other."""
    if not lost_when:
        raise Invalid(_("Say what makes somebody lost."), {"lost_when": _("Choose at least one.")})
    try:
        Ladder(new_days, active_days, cooling_days, sleeping_days)
    except ValueError as error:
        message = _("The days must rise: active, then cooling, then sleeping.")
        raise Invalid(message, {"cooling_days": message}) from error
    session.merge(
        ReportSetting(
            id=1,
            active_days=active_days,
            lost_when=[each.value for each in Lost if each in lost_when],
            repeat_times=repeat_times,
            acquisition_cost=acquisition_cost,
            new_days=new_days,
            cooling_days=cooling_days,
            sleeping_days=sleeping_days,
        )
    )
