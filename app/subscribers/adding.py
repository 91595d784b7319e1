"""Bringing one person in by hand or by API, on a stated legal basis (TRUST L5).

In charge of: whether that basis makes somebody mailable. An address that objected, complained or left is not turned
back on (TRUST L14). Not of: forms (`signup`) and files (`importing`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.errors import Conflict, Invalid
from app.events.record import happening, record
from app.subscribers.addresses import parse_address
from app.subscribers.consent import Agreement, record_consent
from app.subscribers.kinds import CONFIRMED, SUBSCRIBED
from app.subscribers.models import Basis, Status, Subscriber, Suppression, TrackingMode
from app.subscribers.people import find_or_add
from app.subscribers.profile import change_profile, read_changes, topic_keys
from app.subscribers.signup import ask_to_confirm
from app.subscribers.topics import subscribe


def add_subscriber(
    session: Session,
    changes: Mapping[str, Any],
    basis: Basis | None,
    now: datetime,
    *,
    source: str,
    tracking: TrackingMode = TrackingMode.NONE,
    note: str = "",
) -> tuple[Subscriber, bool]:
    """Add or change the person with `changes["email"]`; True if she is new.

    With the basis `double_opt_in` she is asked by mail first. Without a basis a new person stays pending: known, never
    mailed.
    """
    typed = str(changes.get("email", ""))
    address = parse_address(typed)
    read_changes(session, changes)
    suppressed = session.get(Suppression, address.hash)
    if basis and suppressed:
        raise Conflict(_("This address is on the suppression list and may not be mailed."))
    person, is_new = find_or_add(session, address, now, source)
    asks = basis is Basis.DOUBLE_OPT_IN
    # Topics of somebody who has to confirm wait for that in the proof.
    change_profile(session, person.id, {k: v for k, v in changes.items() if k not in _later(asks)}, now)
    if basis:
        agreement = _agreement(session, changes, basis, tracking, source, note)
        _give_consent(session, person, agreement, typed, now)
    return person, is_new


def _later(asks: bool) -> set[str]:
    return {"email", "topics"} if asks else {"email"}


def _give_consent(session: Session, person: Subscriber, agreement: Agreement, typed: str, now: datetime) -> None:
    if person.standing.status is Status.ACTIVE:
        subscribe(session, person.id, agreement.topic_ids, now)
        return
    if agreement.basis is Basis.DOUBLE_OPT_IN:
        ask_to_confirm(session, person.id, _sender(session), agreement, typed, now)
        return
    if person.standing.status is not Status.PENDING:
        raise Conflict(_("This person has left and can come back only by confirming a mail."))
    record_consent(session, person, typed, agreement, now, confirmed=True)
    person.standing.status, person.standing.tracking = Status.ACTIVE, agreement.tracking
    if agreement.basis is Basis.DOUBLE_OPT_IN_ELSEWHERE:
        person.standing.confirmed_at = now
    session.flush()
    kind = CONFIRMED if agreement.basis is Basis.DOUBLE_OPT_IN_ELSEWHERE else SUBSCRIBED
    record(session, [happening(kind, person.id, now, data={"how": agreement.basis.value})])


def _agreement(
    session: Session, changes: Mapping[str, Any], basis: Basis, tracking: TrackingMode, source: str, note: str
) -> Agreement:
    known = topic_keys(session)
    topic_ids = [known[key] for key in changes.get("topics", ()) if key in known]
    return Agreement(basis, {"note": note, "source": source}, tracking, topic_ids, language=changes.get("language"))


def _sender(session: Session) -> Sender:
    sender = session.scalars(select(Sender).order_by(Sender.id)).first()
    if sender is None:
        raise Invalid(_("Add a sender identity first: the confirmation mail needs one."))
    return sender
