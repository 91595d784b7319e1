"""Taking answers to the net promoter question: each is written once, however often it is brought, as an event.

The number is the event's value and stays like other figures when somebody is erased; her words are in its data, which
is emptied then. Not in charge of: who answered (API and import find the person), nor of what is known of her afterwards
(`counts.py`, which sees the events).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import delete, insert, literal, null, select
from sqlalchemy.orm import Session

from app.db import one_of, rows, seconds
from app.events.models import Event
from app.events.record import record_for_all
from app.feature import house
from app.importing.batch import text_is_among
from app.importing.models import ImportChange
from app.subscribers.hold import hold
from app.subscribers.models import Standing, Status, Subscriber
from app.surveys.kinds import ANSWERED

LONGEST_COMMENT = 5000
# The net promoter question was first asked in 2003; whatever is older is a mistake, and so is the future.
EARLIEST = datetime(2003, 1, 1, tzinfo=UTC)
_LONGEST_KEY = 40
_CLOCKS_DIFFER = timedelta(minutes=5)
_SILENT = {"synchronize_session": False}


class NewAnswer(NamedTuple):
    """An answer, 0 to 10, of somebody who is held. `key` tells it from her others; without one its second does."""

    subscriber_id: int
    score: int
    answered_at: datetime
    comment: str | None = None
    key: str | None = None

    @property
    def event_key(self) -> str:
        """Short enough for the column, and hers alone: what others number in the same way is no matter."""
        own = f"@{seconds(self.answered_at)}" if self.key is None else f"={self.key}"
        if len(own) > _LONGEST_KEY:
            own = sha256(own.encode()).hexdigest()[:_LONGEST_KEY]
        return f"answer:{self.subscriber_id}:{own}"


def is_plausible(answered_at: datetime, now: datetime) -> bool:
    """Whether an answer can have been given then: one of the future would stay the latest until it comes."""
    return EARLIEST <= answered_at <= now + _CLOCKS_DIFFER


def hold_people(session: Session, addresses: Iterable[str], ids: Iterable[int]) -> tuple[dict[str, int], set[int]]:
    """Lock the people with these addresses (their keys) and these ids: who has which address, and who is there.

    All in one order, whichever way they are named; nobody who is erased is there.
    """
    people = select(Subscriber.address_key, Subscriber.id)
    found = dict(rows(session, people.where(text_is_among(session, Subscriber.address_key, addresses))))
    wanted = {*found.values(), *ids}
    hold(session, wanted)
    present = select(Standing.subscriber_id).where(one_of(Standing.subscriber_id, wanted))
    there = set(session.scalars(present.where(Standing.status != Status.ERASED)))
    return {key: each for key, each in found.items() if each in there}, there


def known_keys(session: Session, keys: Iterable[str]) -> set[str]:
    """Which of these answers are here already."""
    found = session.scalars(select(Event.key).where(text_is_among(session, Event.key, keys)))
    return {key for key in found if key}


def take_answers(session: Session, answers: Sequence[NewAnswer], import_id: int | None = None) -> int:
    """Write those that are not known yet, each once (the first of its key), of people who are held; how many."""
    first: dict[str, NewAnswer] = {}
    for each in answers:
        first.setdefault(each.event_key, each)
    known = known_keys(session, first)
    new = {key: each for key, each in first.items() if key not in known}
    if new:
        record_for_all(
            session,
            ANSWERED,
            [each.subscriber_id for each in new.values()],
            occurred_at=[each.answered_at for each in new.values()],
            value=[each.score for each in new.values()],
            key=[*new],
            data=[{"comment": each.comment} if each.comment else None for each in new.values()],
        )
    if new and import_id is not None:
        _note(session, import_id, new)
    return len(new)


def _note(session: Session, import_id: int, keys: Iterable[str]) -> None:
    """Which answers the import brought, so that it can be undone."""
    brought = select(literal(import_id), Event.id, null()).where(text_is_among(session, Event.key, keys))
    session.execute(insert(ImportChange).from_select(["import_id", "row_id", "before"], brought))


def take_back(session: Session, import_id: int, limit: int) -> int:
    """Delete the next answers of an import; how many that were."""
    mine = ImportChange.import_id == import_id
    ids = session.scalars(select(ImportChange.row_id).where(mine).order_by(ImportChange.row_id).limit(limit)).all()
    if not ids:
        return 0
    answers = one_of(Event.id, ids)
    people = sorted(set(session.scalars(select(Event.subscriber_id).where(answers))))
    # What is made anew below must not miss an answer that is being written.
    hold(session, people)
    session.execute(delete(Event).where(answers), execution_options=_SILENT)
    session.execute(delete(ImportChange).where(mine, one_of(ImportChange.row_id, ids)), execution_options=_SILENT)
    house().on_events_removed(session, people)
    return len(ids)
