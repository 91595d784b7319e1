"""What the ledger knows of the past: who had been mailed how often, just before a moment."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.feature import History


def _sent_then(_session: Session, moment: datetime) -> "Select[*tuple[Any, ...]]":
    sent = select(Delivery.subscriber_id, func.count().label("sent"), func.max(Delivery.sent_at).label("last_sent_at"))
    gone = Delivery.state.in_((DeliveryState.SENT, DeliveryState.BOUNCED))
    return sent.where(gone, Delivery.sent_at < moment).group_by(Delivery.subscriber_id)


HISTORY = History({"delivery": "sent_at"}, {"sent": 0, "last_sent_at": None}, _sent_then)
