"""The columns of `standing` about answers: what somebody answered last, and when.

In charge of: taking each batch of new events into them, whatever the order of arrival, and finding them anew where
events were taken away.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, and_, case, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from app.db import one_of
from app.events.batch import NewEvents
from app.events.models import Event
from app.subscribers.models import Standing
from app.surveys.kinds import ANSWERED
from app.tally import Tally
from segments import nps

_SILENT = {"synchronize_session": False}


def tally_answers(_session: Session, events: NewEvents) -> Tally:
    """The latest answer of each person in a batch."""
    people: dict[int, tuple[int, int]] = {}
    for person, at, answer in events.of(ANSWERED.code, "subscriber_id", "occurred_at", "value"):
        people[person] = max(people.get(person, (at, answer)), (at, answer))
    return Tally(Standing, "subscriber_id", ("answered", "answer"), people, (None, None), _later)


def on_events_removed(session: Session, subscriber_ids: Sequence[int]) -> None:
    """Find the latest answers of these people anew, where they had given any."""
    second = type_coerce(Event.occurred_at, BigInteger)
    hers = (Event.subscriber_id == Standing.subscriber_id, Event.kind == ANSWERED.code)
    latest = select(nps.latest(second, Event.value.expression)).where(*hers).scalar_subquery()
    had = (one_of(Standing.subscriber_id, subscriber_ids), Standing.nps_at.is_not(None))
    found: dict[str, Any] = {"last_nps": nps.latest_answer(latest), "nps_at": nps.latest_second(latest)}
    session.execute(update(Standing).where(*had).values(found), execution_options=_SILENT)


def _later(new: Mapping[str, Any]) -> dict[str, Any]:
    at, answer = type_coerce(Standing.nps_at, BigInteger), Standing.last_nps.expression
    newer = or_(at.is_(None), new["answered"] > at, and_(new["answered"] == at, new["answer"] > answer))
    takes = and_(new["answered"].is_not(None), newer)
    return {
        "last_nps": case((takes, new["answer"]), else_=answer),
        "nps_at": case((takes, new["answered"]), else_=at),
    }
