"""Putting a letter into the outbox, in the transaction of the change that causes it.

Whoever calls rings `outbox.jobs.deliver` after the commit. Not in charge of: sending (`deliver.py`), nor of what the
letter says.
"""

from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.mail import Headers, wire_address
from app.outbox.models import Letter


def post(
    session: Session,
    sender: Sender,
    recipient: str,
    purpose: str,
    subject: str,
    html: str,
    text: str,
    headers: Headers,
    now: datetime,
) -> Letter:
    """Write the letter down; it is sent from `now` on."""
    letter = Letter(
        purpose=purpose,
        sender_id=sender.id,
        recipient=recipient,
        subject=subject,
        html=html,
        text=text,
        headers=dict(headers),
        message_id=f"<{wire_address(f'letter.{uuid4().hex}@{sender.domain}')}>",
        next_try_at=now,
        created_at=now,
    )
    session.add(letter)
    session.flush()
    return letter
