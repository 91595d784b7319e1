"""What is known of opens and clicks in the past: the columns of Standing as they were."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from app.events.models import Event, Verdict
from app.feature import History
from app.tracking.kinds import CLICKED, OPENED


def _counts_then(_session: Session, moment: datetime) -> "Select[*tuple[Any, ...]]":
    """Just before a moment, of those who had opened or clicked anything; `counts.py` keeps the present."""
    is_open, is_click = Event.kind == OPENED.code, Event.kind == CLICKED.code
    readers = [verdict for verdict in Verdict if verdict.is_reader]
    counted = select(
        Event.subscriber_id,
        func.count(case((is_open, 1))).label("opens"),
        func.count(case((is_click, 1))).label("clicks"),
        func.max(case((is_open, Event.occurred_at))).label("last_opened_at"),
        func.max(case((is_click, Event.occurred_at))).label("last_clicked_at"),
    )
    counted = counted.where(or_(is_open, is_click), Event.verdict.in_(readers), Event.occurred_at < moment)
    return counted.group_by(Event.subscriber_id)


HISTORY = History(
    columns={"opens": 0, "clicks": 0, "last_opened_at": None, "last_clicked_at": None}, standing=_counts_then
)
