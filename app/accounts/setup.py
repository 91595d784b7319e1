"""The first run: one link, valid while there is no user, that makes the organisation, its sender and its admin."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from flask_security import hash_password
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.accounts.models import Organisation, Sender
from app.accounts.users import Role, User
from app.errors import NotFound
from app.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the setup page asks for."""

    email: str
    password: str
    organisation: str
    locale: str
    time_zone: str
    currency: str
    sender_name: str
    sender_address: str
    imprint: str


def needs_setup(session: Session) -> bool:
    """True while nobody can log in."""
    return not session.scalar(select(exists(select(User.id))))


def setup_token(session: Session, tokens: Tokens) -> str | None:
    """What the setup link ends in; None once there is a user."""
    return tokens.sign(Purpose.SETUP, 1) if needs_setup(session) else None


def check_setup_token(session: Session, tokens: Tokens, token: str) -> None:
    """Raise NotFound unless this is the link of an installation that waits for its first user."""
    if tokens.read(Purpose.SETUP, token) != (1,) or not needs_setup(session):
        raise NotFound("This setup link is not valid, or it has been used already.")


def set_up(session: Session, given: FirstRun, now: datetime) -> User:
    """Make the organisation, its first sender identity and its admin."""
    session.add(
        Organisation(
            id=1,
            name=given.organisation,
            locale=given.locale,
            time_zone=given.time_zone,
            currency=given.currency,
            created_at=now,
        )
    )
    session.add(Sender(name=given.sender_name, address=given.sender_address, imprint=given.imprint, created_at=now))
    admin = User(
        email=given.email,
        password=hash_password(given.password),
        fs_uniquifier=secrets.token_hex(32),
        locale=given.locale,
        created_at=now,
        roles=[Role(name="admin", description="May do everything")],
    )
    session.add(admin)
    session.flush()
    return admin
