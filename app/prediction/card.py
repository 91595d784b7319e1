"""The card on a customer's page: what is expected of her."""

from sqlalchemy.orm import Session

from app.feature import ProfileCard
from app.prediction.models import Prediction


def card(session: Session, subscriber_id: int) -> ProfileCard | None:
    """What is expected of one customer."""
    found = session.get(Prediction, subscriber_id)
    return ProfileCard("prediction/_card.html", {"prediction": found}) if found else None
