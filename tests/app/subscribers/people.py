"""What the tests of people share."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import house
from app.outbox.models import Letter
from app.subscribers.addresses import parse_address
from app.subscribers.models import ConsentRecord, SignupForm, Standing
from app.subscribers.signup import SignupRequest, confirm, sign_up
from tests import make


def form(session: Session, key: str = "cheese", **values: Any) -> SignupForm:
    given: dict[str, Any] = {
        "key": key,
        "name": "Cheese letter",
        "language": "en",
        "title": "The cheese letter",
        "consent_text": "Yes, send me the cheese letter.",
        "tracking_text": "You may learn what I read.",
        "inputs": [],
        "topic_ids": [],
        "created_at": make.THEN,
    }
    row = SignupForm(**{**given, "sender_id": values.pop("sender_id", None) or make.sender(session).id, **values})
    session.add(row)
    session.flush()
    return row


def request(email: str = "Anna@example.org", **values: Any) -> SignupRequest:
    return SignupRequest(address=parse_address(email), typed=email, ip="192.0.2.7", **values)


def signed_up(session: Session, now: datetime, email: str = "Anna@example.org", **values: Any) -> ConsentRecord:
    """Somebody who asked, and has yet to confirm."""
    row = session.scalar(select(SignupForm)) or form(session)
    sign_up(session, row, request(email, **values), now)
    return session.scalars(select(ConsentRecord).order_by(ConsentRecord.id.desc())).first()


def confirmed(session: Session, now: datetime, email: str = "Anna@example.org", **values: Any) -> Standing:
    proof = signed_up(session, now, email, **values)
    confirm(session, proof.id, now, "192.0.2.8")
    return session.get_one(Standing, proof.subscriber_id)


def events(session: Session, subscriber_id: int | None = None) -> list[str]:
    """The names of what happened, in order."""
    statement = select(Event.kind).order_by(Event.id)
    if subscriber_id:
        statement = statement.where(Event.subscriber_id == subscriber_id)
    return [kind.name for code in session.scalars(statement) if (kind := house().kind_of(code))]


def letters(session: Session, purpose: str | None = None) -> list[Letter]:
    statement = select(Letter).order_by(Letter.id)
    return list(session.scalars(statement.where(Letter.purpose == purpose) if purpose else statement))
