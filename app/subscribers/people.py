"""Finding and making the two rows of a person.

In charge of: that an address has one Subscriber, whoever brings it in. Not of: whether it may be mailed (`consent`,
`lifecycle`), nor of what is known of the person (`profile`).
"""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Base
from app.errors import NotFound
from app.subscribers.addresses import Address
from app.subscribers.models import Standing, Status, Subscriber
from app.subscribers.providers import provider_of


def find(session: Session, address: Address) -> Subscriber | None:
    """Who has this address."""
    return session.scalar(select(Subscriber).where(Subscriber.address_key == address.key))


def person(session: Session, subscriber_id: int) -> Subscriber:
    """The person, or NotFound; also one that was erased."""
    found = session.get(Subscriber, subscriber_id)
    if found is None:
        raise NotFound(_("There is no such subscriber."))
    return found


def lock(session: Session, subscriber_id: int) -> Subscriber:
    """The person, to be changed: whoever else wants to change her waits for the end of this transaction."""
    statement = select(Standing).where(Standing.subscriber_id == subscriber_id).with_for_update()
    session.scalar(statement.execution_options(populate_existing=True))
    return person(session, subscriber_id)


def find_or_add(session: Session, address: Address, now: datetime, source: str) -> tuple[Subscriber, bool]:
    """The person with this address, made as pending where there is none; True if she is new."""
    values = {
        "email": address.email,
        "address_key": address.key,
        "address_hash": address.hash,
        "attributes": {},
        "source": source[:100],
        "token_epoch": 0,
    }
    statement = insert_into(session, Subscriber).values(values).on_conflict_do_nothing(index_elements=["address_key"])
    new_id = session.scalar(statement.returning(Subscriber.id))
    if new_id:
        standing = Standing(subscriber_id=new_id, status=Status.PENDING, created_at=now)
        standing.provider = provider_of(address.email)
        session.add(standing)
        session.flush()
    found = find(session, address)
    assert found
    return found, bool(new_id)


def insert_into(session: Session, table: type[Base]) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of this session."""
    return (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(table)
