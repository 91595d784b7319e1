"""Working out afterwards who would have been in a segment, had its present rule been there all along.

The true history (`Membership`) is never touched: what is worked out stands beside it, up to the day since which the
rule has been in force. The rule is asked as of every day (or week): whoever is in it, or not any more, joins or leaves
that morning. In charge of the order, its steps and its end; what a rule would have said is `then.py`'s.
"""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, insert, literal, select, true, update
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Backfill, BackfilledMembership
from app.audiences.reading import Reader, reader
from app.audiences.segment import find, versions
from app.audiences.then import members_then, without_history
from app.db import Instant
from app.errors import Invalid
from app.i18n import language
from segments.calendar import Calendar

# Day by day for so many days; week by week for so many.
DAILY, WEEKLY = 92, 731
_SILENT = {"synchronize_session": False}


def want_backfill(session: Session, segment_id: int, days: int, now: datetime) -> Backfill:
    """Order the history of the last `days` by the rule in force; Invalid if a word of it has no history."""
    segment = find(session, segment_id)
    words = reader(session, now)
    if unknown := without_history(words, segment.rule, language()):
        raise Invalid(_("Only the present is known of this: %(conditions)s.", conditions="; ".join(unknown)))
    if not 1 <= days <= WEEKLY:
        raise Invalid(_("A history is worked out for up to two years."))
    version = versions(session, segment)[-1]
    calendar = Calendar(now, words.zone)
    _forget(session, segment_id)
    order = Backfill(
        segment_id=segment_id,
        version=version.number,
        first_day=calendar.start(calendar.in_days(-days)),
        until=version.since,
        step_days=1 if days <= DAILY else 7,
        wanted_at=now,
    )
    session.add(order)
    session.flush()
    return order


def _forget(session: Session, segment_id: int) -> None:
    for table in (BackfilledMembership, Backfill):
        session.execute(delete(table).where(table.segment_id == segment_id), execution_options=_SILENT)
    session.expire_all()


def waiting_backfill(session: Session) -> Backfill | None:
    """The oldest order that is not finished."""
    wanted = select(Backfill).where(Backfill.finished_at.is_(None)).order_by(Backfill.wanted_at, Backfill.segment_id)
    return session.scalar(wanted.limit(1).with_for_update())


def backfill_step(session: Session, order: Backfill, now: datetime) -> None:
    """Do the next step of an order, or its end."""
    words = reader(session, now)
    segment = find(session, order.segment_id)
    calendar = Calendar(order.done_to or order.first_day, words.zone)
    step = order.first_day if order.done_to is None else calendar.start(calendar.in_days(order.step_days))
    latest = versions(session, segment)[-1]
    if latest.number != order.version:
        # The rule has changed meanwhile: nobody wants to know this any more.
        _forget(session, order.segment_id)
    elif step >= order.until:
        _finish(session, order, now)
    else:
        _write(session, order.segment_id, Reader(words.vocabulary, step, words.zone), segment.rule)
        order.done_to = step
        session.flush()


def _write(session: Session, segment_id: int, words: Reader, rule: object) -> None:
    """Who would have been in it and is not written down joins at this moment, who is and would not leaves."""
    members = members_then(session, words, rule).subquery()
    lasting = (BackfilledMembership.segment_id == segment_id, BackfilledMembership.left_at == LASTS)
    inside = select(members.c.subscriber_id)
    gone = update(BackfilledMembership).where(*lasting, BackfilledMembership.subscriber_id.not_in(inside))
    session.execute(gone.values(left_at=words.now), execution_options=_SILENT)
    there = select(BackfilledMembership.subscriber_id).where(*lasting)
    values = (literal(segment_id), literal(LASTS, Instant), members.c.subscriber_id, literal(words.now, Instant))
    new = select(*values).where(true(), members.c.subscriber_id.not_in(there))
    names = ["segment_id", "left_at", "subscriber_id", "joined_at"]
    session.execute(insert(BackfilledMembership).from_select(names, new))


def _finish(session: Session, order: Backfill, now: datetime) -> None:
    """From here on the true history is by this rule."""
    lasting = (BackfilledMembership.segment_id == order.segment_id, BackfilledMembership.left_at == LASTS)
    ended = update(BackfilledMembership).where(*lasting)
    session.execute(ended.values(left_at=order.until), execution_options=_SILENT)
    order.finished_at = now
    session.flush()


def share_done(order: Backfill) -> float:
    """How much of it is done, 0 to 1."""
    if order.finished_at is not None:
        return 1.0
    whole = max(order.until - order.first_day, timedelta(days=1))
    return (order.done_to - order.first_day) / whole if order.done_to else 0.0
