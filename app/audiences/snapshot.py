"""Freezing a segment: its people of now, as a segment that stays as it is.

In charge of writing them down. The new segment's rule says "is in the snapshot", so it counts, mails and reports like
any other; who is no longer active has left it all the same.
"""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session

from app.audiences.models import Segment, Snapped, Snapshot
from app.audiences.reading import reader
from app.audiences.segment import create, find, free_name
from app.errors import Conflict
from app.i18n import language
from app.subscribers.models import Standing
from segments.rule import RuleError


def freeze(session: Session, segment_id: int, name: str, now: datetime) -> Segment:
    """A segment of this name that holds whom the other means now; Invalid when the name is taken."""
    frozen, words = find(session, segment_id), reader(session, now)
    try:
        people = words.people(frozen.rule)
    except RuleError as error:
        raise Conflict(_("This segment cannot be used: %(reason)s.", reason=error.message(language()))) from error
    name = free_name(session, name)
    snapshot = Snapshot(name=name, segment_id=segment_id, taken_at=now, size=0)
    session.add(snapshot)
    session.flush()
    chosen = select(literal(snapshot.id), Standing.subscriber_id).where(people)
    session.execute(insert(Snapped).from_select(["snapshot_id", "subscriber_id"], chosen))
    size = select(func.count()).where(Snapped.snapshot_id == snapshot.id).scalar_subquery()
    session.execute(update(Snapshot).where(Snapshot.id == snapshot.id).values(size=size))
    rule = {"all": [{"field": "snapshots", "op": "has_any", "value": [str(snapshot.id)]}]}
    return create(session, name, rule, now, _("“%(name)s” as it was.", name=frozen.name))
