"""Proof of what somebody agreed to: written when she asks, completed when she confirms, shown on one sheet (TRUST L1).

Not in charge of: what follows from consent (`signup`, `lifecycle`). A record is never changed but for its confirmation
and its withdrawal; a change of mind is a new record.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.subscribers.models import Basis, ConsentRecord, SignupForm, Subscriber, TrackingMode


@dataclass(frozen=True, slots=True)
class Agreement:
    """What somebody agreed to, in which words, where and how. `wording` maps each text shown to "ticked" or not."""

    basis: Basis
    wording: Mapping[str, Any]
    tracking: TrackingMode = TrackingMode.NONE
    topic_ids: Sequence[int] = ()
    form: SignupForm | None = None
    language: str | None = None
    page_url: str | None = None
    ip: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)


def record_consent(
    session: Session, person: Subscriber, address: str, agreement: Agreement, now: datetime, *, confirmed: bool
) -> ConsentRecord:
    """Keep the proof; `address` is as it was typed."""
    wording = dict(agreement.wording)
    row = ConsentRecord(
        subscriber_id=person.id,
        address=address[:320],
        basis=agreement.basis,
        tracking=agreement.tracking,
        tracking_basis=agreement.basis if agreement.tracking is TrackingMode.PERSONAL else None,
        form_id=agreement.form.id if agreement.form else None,
        wording=wording,
        wording_hash=wording_hash(wording),
        language=agreement.language,
        page_url=agreement.page_url,
        topic_ids=list(agreement.topic_ids),
        answers=dict(agreement.answers),
        requested_at=now,
        requested_ip=agreement.ip,
        confirmed_at=now if confirmed else None,
        confirmed_ip=agreement.ip if confirmed else None,
    )
    session.add(row)
    session.flush()
    return row


def withdraw(session: Session, subscriber_id: int, now: datetime) -> None:
    """Nothing this person agreed to holds any longer."""
    valid = (ConsentRecord.subscriber_id == subscriber_id) & ConsentRecord.withdrawn_at.is_(None)
    session.execute(update(ConsentRecord).where(valid).values(withdrawn_at=now))


def wording_hash(wording: Mapping[str, Any]) -> str:
    """The same words and boxes have the same hash, whoever agreed."""
    return sha256(json.dumps(wording, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def proof_sheet(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    """Everything that proves this person's consent, as JSON."""
    rows = session.execute(
        select(ConsentRecord, SignupForm)
        .outerjoin(SignupForm, SignupForm.id == ConsentRecord.form_id)
        .where(ConsentRecord.subscriber_id == subscriber.id)
        .order_by(ConsentRecord.id)
    )
    return {
        "subscriber": {"id": subscriber.id, "email": subscriber.email, "status": subscriber.standing.status.value},
        "records": [_sheet(record, form) for record, form in rows],
    }


def _sheet(record: ConsentRecord, form: SignupForm | None) -> dict[str, Any]:
    return {
        "id": record.id,
        "address_as_typed": record.address,
        "basis": record.basis.value,
        "wording": record.wording,
        "wording_sha256": record.wording_hash,
        "wording_is_intact": wording_hash(record.wording) == record.wording_hash,
        "tracking": record.tracking.value,
        "tracking_basis": record.tracking_basis.value if record.tracking_basis else None,
        "topics": record.topic_ids,
        "form": {"id": form.id, "name": form.name} if form else None,
        "import_id": record.import_id,
        "language": record.language,
        "page_url": record.page_url,
        "requested_at": _iso(record.requested_at),
        "requested_ip": record.requested_ip,
        "confirmation_message_id": record.message_id,
        "confirmation_message_reply": record.message_reply,
        "confirmed_at": _iso(record.confirmed_at),
        "confirmed_ip": record.confirmed_ip,
        "withdrawn_at": _iso(record.withdrawn_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
