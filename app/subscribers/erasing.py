"""Erasure (Art. 17 GDPR, TRUST L12): who it was disappears from every row, what was counted stays.

A person's rows become those of nobody: address, names and profile go, free text and JSON in every table that has a
subscriber's key are emptied (whatever that table is: the schema is asked), letters to her are deleted. Orders,
deliveries and events keep their times and amounts, so totals are the same before and after. The address is left as a
keyed hash on the suppression list. Not in charge of: uploaded files (`importing` deletes them when they have served).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Table, Text, delete, func, null, select, update
from sqlalchemy.orm import Session

from app.feature import house
from app.importing.models import Import, ImportChange, ImportReject
from app.outbox.models import Letter
from app.subscribers.lifecycle import put_on_suppression_list
from app.subscribers.models import (
    ConsentRecord,
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    SuppressionReason,
    TrackingMode,
)
from app.subscribers.people import lock
from app.subscribers.purging import tables_about_people

ERASED = "erased"


def erase(session: Session, subscriber_id: int, now: datetime) -> bool:
    """Forget who this person is; False if that is done already."""
    person = lock(session, subscriber_id)
    if person.standing.status is Status.ERASED:
        return False
    put_on_suppression_list(session, person.address_hash, SuppressionReason.ERASED, now)
    _forget_in_files_and_letters(session, person)
    _forget_profile(session, person, now)
    _forget_consent(session, subscriber_id, now)
    for table, column in tables_about_people():
        _empty(session, table, column, subscriber_id)
    session.flush()
    # Her events say less than before: what other features made of them is made anew.
    house().on_events_removed(session, [subscriber_id])
    return True


def _forget_in_files_and_letters(session: Session, person: Subscriber) -> None:
    session.execute(delete(Letter).where(func.lower(Letter.recipient) == person.address_key))
    her_row = func.lower(ImportReject.row).contains(person.address_key, autoescape=True)
    session.execute(update(ImportReject).where(her_row).values(row=ERASED, reason=ERASED))
    # Undoing an import must not bring her back.
    of_people = select(Import.id).where(Import.kind == "subscribers")
    hers = (ImportChange.row_id == person.id) & ImportChange.import_id.in_(of_people)
    session.execute(delete(ImportChange).where(hers))


def _forget_profile(session: Session, person: Subscriber, now: datetime) -> None:
    nobody = f"{ERASED}-{person.id}@{ERASED}.invalid"
    person.email, person.address_key, person.address_hash = nobody, nobody, ""
    person.first_name = person.last_name = person.time_zone = person.source = None
    person.attributes = {}
    standing = person.standing
    standing.status, standing.tracking = Status.ERASED, TrackingMode.NONE
    standing.language = standing.country = standing.birthday = standing.birth_year = None
    standing.provider = standing.devices = None
    standing.ended_at = standing.ended_at or now
    session.execute(delete(SubscriberTag).where(SubscriberTag.subscriber_id == person.id))
    lasting = (Subscription.subscriber_id == person.id) & Subscription.ended_at.is_(None)
    session.execute(update(Subscription).where(lasting).values(ended_at=now))
    session.flush()


def _forget_consent(session: Session, subscriber_id: int, now: datetime) -> None:
    hers = ConsentRecord.subscriber_id == subscriber_id
    gone: dict[str, Any] = {
        "address": "",
        "requested_ip": None,
        "confirmed_ip": None,
        "message_id": None,
        "answers": {},
    }
    session.execute(update(ConsentRecord).where(hers).values(gone))
    session.execute(update(ConsentRecord).where(hers, ConsentRecord.withdrawn_at.is_(None)).values(withdrawn_at=now))


def _empty(session: Session, table: Table, column: str, subscriber_id: int) -> None:
    loose: dict[str, Any] = {
        each.name: null() for each in table.columns if each.nullable and isinstance(each.type, Text | JSON)
    }
    if loose and table is not Standing.__table__:
        session.execute(update(table).where(table.c[column] == subscriber_id).values(loose))
