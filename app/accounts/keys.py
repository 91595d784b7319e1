"""API keys: made once, shown once, stored hashed (TRUST S17)."""

import secrets
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import ApiKey

_PREFIX = "lb_"


def create_key(session: Session, name: str, now: datetime) -> tuple[str, ApiKey]:
    """A new key and its row; the text is not kept anywhere."""
    key = _PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(name=name, hint=key[:8] + "…", key_hash=_hash(key), created_at=now)
    session.add(row)
    session.flush()
    return key, row


def find_key(session: Session, key: str, now: datetime) -> ApiKey | None:
    """The row of a valid key, its last use noted at most once a minute; None for an unknown or revoked one."""
    row = session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(key), ApiKey.revoked_at.is_(None)))
    if row and (row.last_used_at is None or (now - row.last_used_at).total_seconds() > 60):
        row.last_used_at = now
    return row


def revoke_key(session: Session, key_id: int, now: datetime) -> bool:
    """True if the key was valid until now."""
    statement = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _hash(key: str) -> str:
    # A key of 256 random bits needs no slow hash: there is nothing to guess.
    return sha256(key.encode()).hexdigest()
