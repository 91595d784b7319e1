"""Forgetting requests that nobody confirmed (TRUST L3), batch by batch."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Table, delete, select
from sqlalchemy.orm import Session, aliased

from app.db import Base
from app.subscribers.hold import hold
from app.subscribers.models import Basis, ConsentRecord, Standing, Status, Subscriber
from app.subscribers.signup import VALID

BATCH = 500


def purge_unconfirmed(session: Session, now: datetime) -> int:
    """Forget up to BATCH people whose requests have all expired, and expired requests of others; how many people."""
    forgettable = _forgettable(now)
    ids = session.scalars(forgettable.order_by(Standing.subscriber_id).limit(BATCH)).all()
    # Who confirms at this very moment is asked about again once she is held.
    hold(session, ids)
    ids = session.scalars(forgettable.where(Standing.subscriber_id.in_(ids))).all()
    _forget(session, ids)
    of_others = ConsentRecord.subscriber_id.not_in(forgettable)
    session.execute(delete(ConsentRecord).where(_has_expired(ConsentRecord, now), of_others))
    return len(ids)


def _forgettable(now: datetime) -> Select[int]:
    # Whoever bought something is known for another reason than her request.
    unknown = (Standing.status == Status.PENDING) & (Standing.orders == 0) & Standing.first_order_at.is_(None)
    proof = aliased(ConsentRecord)
    hers = select(proof.id).where(proof.subscriber_id == Standing.subscriber_id).correlate(Standing)
    has_expired = _has_expired(proof, now)
    return select(Standing.subscriber_id).where(
        unknown, hers.where(has_expired).exists(), ~hers.where(~has_expired).exists()
    )


def _has_expired(proof: type[ConsentRecord], now: datetime) -> ColumnElement[bool]:
    unconfirmed = (proof.basis == Basis.DOUBLE_OPT_IN) & proof.confirmed_at.is_(None)
    return unconfirmed & (proof.requested_at <= now - VALID)


def tables_about_people() -> list[tuple[Table, str]]:
    """Every table with a key of a subscriber, and that column's name; those that others refer to come last."""
    person = Subscriber.__table__
    return [
        (table, key.parent.name)
        for table in reversed(Base.metadata.sorted_tables)
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if key.column.table is person
    ]


def _forget(session: Session, ids: Sequence[int]) -> None:
    if not ids:
        return
    for table, column in tables_about_people():
        session.execute(delete(table).where(table.c[column].in_(ids)))
    session.execute(delete(Subscriber).where(Subscriber.id.in_(ids)))
