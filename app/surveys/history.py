"""What is known of answers in the past: the columns of Standing as they were."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, select, type_coerce
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import History
from app.subscribers.models import Standing
from app.surveys.kinds import ANSWERED
from segments import nps


def _latest_then(_session: Session, moment: datetime) -> "Select[*tuple[Any, ...]]":
    """Just before a moment, of those who had answered; `counts.py` keeps the present."""
    latest = nps.latest(type_coerce(Event.occurred_at, BigInteger), Event.value.expression)
    answered = select(
        Event.subscriber_id,
        nps.latest_answer(latest).label("last_nps"),
        type_coerce(nps.latest_second(latest), Standing.nps_at.type).label("nps_at"),
    )
    return answered.where(Event.kind == ANSWERED.code, Event.occurred_at < moment).group_by(Event.subscriber_id)


HISTORY = History(columns={"last_nps": None, "nps_at": None}, standing=_latest_then)
