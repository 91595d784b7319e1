"""People something happened to: looked at at once if they are few, or noted and looked at right after.

A batch of a thousand events is written in thirty milliseconds; to look at the segments of a thousand people takes
longer. So large batches leave a note, in their transaction, and a job takes the notes, many at a time. A lost bell
loses nothing: the timetable rings again.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audiences.models import Touched
from app.audiences.refresh import refresh_touched

# So many are looked at in the transaction that touched them.
AT_ONCE = 50
# And so many notes at a time later.
_NOTES = 20


def touch(session: Session, people: Iterable[int], now: datetime, at_once: int = AT_ONCE) -> bool:
    """Look at these people, or note them; True if they wait, and `jobs.refresh_noted` should be rung."""
    ids = sorted(set(people))
    if len(ids) <= at_once:
        refresh_touched(session, ids, now)
        return False
    session.add(Touched(people=ids))
    return True


def refresh_waiting(session: Session, now: datetime) -> bool:
    """Look at the people of the oldest notes; False when there are none."""
    oldest = select(Touched.id).order_by(Touched.id).limit(_NOTES)
    taken = delete(Touched).where(Touched.id.in_(oldest)).returning(Touched.people)
    notes = session.scalars(taken, execution_options={"synchronize_session": False}).all()
    refresh_touched(session, {person for note in notes for person in note}, now)
    return bool(notes)
