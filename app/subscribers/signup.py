"""Signing up: the request, the confirmation mail, the confirmation.

In charge of: that nobody is mailed who has not confirmed, that a request and its confirmation are proven (TRUST L1),
and that a mailbox gets at most one mail a day, whoever types its address (TRUST S12). What a form says besides the
address becomes the profile only when the owner of the mailbox confirms. Not of: the pages (`public_signup`), limits
per machine (`limits`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import current_app
from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.events.record import happening, record
from app.mail import system_headers
from app.mail_templates import system_mail
from app.outbox.models import Letter
from app.outbox.post import post
from app.subscribers.addresses import Address
from app.subscribers.consent import Agreement, record_consent
from app.subscribers.kinds import CONFIRMED, SUBSCRIBED
from app.subscribers.links import confirm_url, preferences_url
from app.subscribers.models import (
    Basis,
    ConsentRecord,
    SignupForm,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    Topic,
    TrackingMode,
)
from app.subscribers.people import find_or_add, lock
from app.subscribers.profile import take_answers
from app.subscribers.topics import subscribe

CONFIRM = "confirm"
ALREADY = "already_subscribed"
# How long a request waits for its confirmation (TRUST L3).
VALID = timedelta(days=14)
PAUSE = timedelta(hours=24)
# A fresh, confirmed wish lifts these; a complaint and a marketer's decision stay (TRUST L14).
_LIFTED = (SuppressionReason.BOUNCED, SuppressionReason.ERASED)


@dataclass(frozen=True, slots=True)
class SignupRequest:
    """What a form was sent with; `typed` is the address as typed."""

    address: Address
    typed: str
    wants_tracking: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)
    page_url: str | None = None
    ip: str | None = None


def sign_up(session: Session, form: SignupForm, request: SignupRequest, now: datetime) -> None:
    """Send the mail that this request leads to, if any. What is returned, shown and done looks alike for everybody."""
    if _objects(session, request.address.hash):
        return
    subscriber, _ = find_or_add(session, request.address, now, f"form:{form.key}")
    sender = session.get_one(Sender, form.sender_id)
    ask_to_confirm(session, subscriber.id, sender, _agreement(session, form, request), request.typed, now)


def ask_to_confirm(
    session: Session, subscriber_id: int, sender: Sender, agreement: Agreement, typed: str, now: datetime
) -> bool:
    """Note the wish and write the confirmation mail; False where none may be sent, or she is subscribed already."""
    subscriber = lock(session, subscriber_id)
    may_write = not _was_written_to(session, subscriber, now) and not _objects(session, subscriber.address_hash)
    if subscriber.standing.status is Status.ACTIVE:
        if may_write:
            url = preferences_url(_tokens(), _base_url(), subscriber.id, subscriber.token_epoch)
            _write(session, subscriber, sender, ALREADY, agreement, now, preferences_url=url)
        return False
    if not may_write:
        return False
    proof = record_consent(session, subscriber, typed, agreement, now, confirmed=False)
    url = confirm_url(_tokens(), _base_url(), proof.id)
    topics = session.scalars(select(Topic.name).where(Topic.id.in_(agreement.topic_ids)).order_by(Topic.name)).all()
    about = {"confirm_url": url, "topics": topics, "days": VALID.days}
    proof.message_id = _write(session, subscriber, sender, CONFIRM, agreement, now, **about).message_id
    data = {"form": agreement.form.name} if agreement.form else None
    record(session, [happening(SUBSCRIBED, subscriber_id, now, data=data)])
    return True


class Confirmation(StrEnum):
    """What pressing the button in a confirmation mail led to."""

    DONE = "done"
    ALREADY = "already"
    EXPIRED = "expired"


def confirm(session: Session, record_id: int, now: datetime, ip: str | None) -> Confirmation:
    """Make the person active, once; the second press says so."""
    proof = session.get(ConsentRecord, record_id)
    if proof is None:
        return Confirmation.EXPIRED
    subscriber = lock(session, proof.subscriber_id)
    if subscriber.standing.status is Status.ERASED or _objects(session, subscriber.address_hash):
        return Confirmation.EXPIRED
    waiting = (ConsentRecord.id == record_id) & ConsentRecord.confirmed_at.is_(None)
    valid = (ConsentRecord.requested_at > now - VALID) & ConsentRecord.withdrawn_at.is_(None)
    values = {"confirmed_at": now, "confirmed_ip": ip}
    if not session.scalar(update(ConsentRecord).where(waiting, valid).values(values).returning(ConsentRecord.id)):
        return _why_not(session, record_id)
    is_new = subscriber.standing.status is not Status.ACTIVE
    _activate(session, subscriber, proof, now)
    if is_new:
        record(session, [happening(CONFIRMED, subscriber.id, now, key=f"confirmed:{proof.id}")])
    return Confirmation.DONE


def _activate(session: Session, subscriber: Subscriber, proof: ConsentRecord, now: datetime) -> None:
    sent = select(Letter.reply).where(Letter.recipient == subscriber.email, Letter.message_id == proof.message_id)
    proof.message_reply = session.scalar(sent)
    take_answers(session, subscriber, proof.answers)
    standing = subscriber.standing
    standing.status, standing.confirmed_at, standing.ended_at = Status.ACTIVE, now, None
    standing.tracking, standing.language = proof.tracking, standing.language or proof.language
    lifted = (Suppression.address_hash == subscriber.address_hash) & Suppression.reason.in_(_LIFTED)
    session.execute(delete(Suppression).where(lifted))
    joinable = select(Topic.id).where(Topic.id.in_(proof.topic_ids), Topic.is_public)
    subscribe(session, subscriber.id, session.scalars(joinable), now)
    session.flush()


def _why_not(session: Session, record_id: int) -> Confirmation:
    proof = session.get_one(ConsentRecord, record_id, populate_existing=True)
    used = proof.confirmed_at is not None and proof.withdrawn_at is None
    return Confirmation.ALREADY if used else Confirmation.EXPIRED


def _agreement(session: Session, form: SignupForm, request: SignupRequest) -> Agreement:
    # Private topics cannot be joined from outside (TRUST S13).
    joinable = select(Topic.id).where(Topic.id.in_(form.topic_ids), Topic.is_public).order_by(Topic.id)
    return Agreement(
        basis=Basis.DOUBLE_OPT_IN,
        wording={
            "title": form.title,
            "consent": {"text": form.consent_text, "ticked": True},
            "tracking": {"text": form.tracking_text, "ticked": request.wants_tracking},
        },
        tracking=TrackingMode.PERSONAL if request.wants_tracking else TrackingMode.NONE,
        topic_ids=session.scalars(joinable).all(),
        form=form,
        language=form.language,
        page_url=request.page_url,
        ip=request.ip,
        answers=request.answers,
    )


def _was_written_to(session: Session, subscriber: Subscriber, now: datetime) -> bool:
    recent = (Letter.recipient == subscriber.email) & (Letter.created_at > now - PAUSE)
    return bool(session.scalar(select(exists().where(recent, Letter.purpose.in_((CONFIRM, ALREADY))))))


def _objects(session: Session, hashed: str) -> bool:
    kept = (Suppression.address_hash == hashed) & Suppression.reason.not_in(_LIFTED)
    return bool(session.scalar(select(exists().where(kept))))


def _write(
    session: Session,
    subscriber: Subscriber,
    sender: Sender,
    name: str,
    agreement: Agreement,
    now: datetime,
    **about: Any,
) -> Letter:
    # Nothing that a stranger may have typed, but the address, is in these mails (TRUST L2).
    language = subscriber.standing.language or agreement.language or "en"
    subject, html, text = system_mail(name, language, sender=sender, email=subscriber.email, **about)
    return post(session, sender, subscriber.email, name, subject, html, text, system_headers(), now)


def _tokens() -> Any:
    return current_app.extensions["letterbond.tokens"]


def _base_url() -> str:
    url: str = current_app.extensions["letterbond.config"].base_url
    return url
