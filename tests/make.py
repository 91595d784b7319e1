"""Rows for tests, with sensible values for all that a test does not care about."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Organisation, Sender
from app.accounts.users import User
from app.audiences.models import Segment
from app.campaigns.models import Campaign
from app.scoring.models import Tier
from app.subscribers.models import Standing, Status, Subscriber, Topic, TrackingMode

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IMPRINT = "Käserei Müller GmbH\nMilchweg 1\n87435 Kempten\nkontakt@kaeserei.example"
HTML = """<html><body><p>Hello {{ first_name|default("friend") }}</p><p><a href="https://shop.example/cheese">Cheese</a></p>
<p>{{ sender.imprint }}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""


def organisation(session: Session, **values: Any) -> Organisation:
    given = {
        "id": 1,
        "name": "Käserei Müller",
        "locale": "en",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
    }
    return _add(session, Organisation(**{**given, "undo_seconds": 60, "created_at": THEN, **values}))


def sender(session: Session, **values: Any) -> Sender:
    given = {
        "name": "Käserei Müller",
        "address": "post@kaeserei.example",
        "imprint": IMPRINT,
        "created_at": THEN,
    }
    return _add(session, Sender(**{**given, **values}))


def user(session: Session, email: str = "marketer@kaeserei.example", **values: Any) -> User:
    given = {"email": email, "password": "x", "active": True, "fs_uniquifier": f"unique-{email}"}
    return _add(session, User(**{**given, "locale": "en", "created_at": THEN, **values}))


def subscriber(
    session: Session,
    email: str | None = None,
    *,
    status: Status = Status.ACTIVE,
    tracking: TrackingMode = TrackingMode.PERSONAL,
    first_name: str | None = "Anna",
    last_name: str | None = None,
    attributes: dict[str, Any] | None = None,
    **standing: Any,
) -> Subscriber:
    email = email or f"person{1 + (session.scalar(select(func.count()).select_from(Subscriber)) or 0)}@example.org"
    tokens = current_app.extensions["letterbond.tokens"]
    person = Subscriber(
        email=email,
        address_key=email.casefold(),
        address_hash=tokens.address_hash(email.casefold()),
        first_name=first_name,
        last_name=last_name,
        attributes=attributes or {},
    )
    given = {"status": status, "tracking": tracking, "created_at": THEN, "confirmed_at": THEN}
    person.standing = Standing(**{**given, **standing})
    return _add(session, person)


def topic(session: Session, key: str = "news", **values: Any) -> Topic:
    return _add(session, Topic(**{"key": key, "name": key.title(), **values}))


def segment(session: Session, rule: dict[str, Any], name: str = "Some people") -> Segment:
    return _add(session, Segment(name=name, rule=rule, created_at=THEN, updated_at=THEN))


def tiers(session: Session, steps: Sequence[tuple[str, int]] = (("New", 0), ("Loyal", 100))) -> list[Tier]:
    return [_add(session, Tier(name=name, threshold=threshold)) for name, threshold in steps]


def campaign(session: Session, **values: Any) -> Campaign:
    sender_id = values.pop("sender_id", None) or sender(session).id
    given = {"name": "November", "subject": "News from the dairy", "preheader": "Cheese", "html": HTML}
    return _add(session, Campaign(sender_id=sender_id, created_at=THEN, updated_at=THEN, **{**given, **values}))


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row
