"""The report of the month by mail: what changed, and three plain sentences why.

In charge of who gets it and when. Not of counting, nor of the sentences (`reasons`).
"""

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.organisation import organisation, time_zone
from app.accounts.users import User
from app.config import Config
from app.mail import system_headers
from app.mail_templates import system_mail
from app.outbox.jobs import deliver
from app.outbox.post import post
from app.queue import enqueue
from app.reports.kept import answer, want
from app.reports.kinds import SEGMENT
from app.reports.models import ReportReader
from app.reports.reasons import lines, month_title, reasons
from app.reports.segment_report import SegmentReport

_PURPOSE = "report"
# Nobody waits for it at night, and by then the night's counts are done.
_FROM_HOUR = 7


def is_reader(session: Session, user_id: int) -> bool:
    """Whether this user gets it."""
    return session.get(ReportReader, user_id) is not None


def subscribe(session: Session, user_id: int, now: datetime) -> None:
    """From the next month that ends, this user gets it."""
    if not is_reader(session, user_id):
        session.add(ReportReader(user_id=user_id, since=now, last_month=_over(session, now)))


def stop(session: Session, user_id: int) -> None:
    """No more."""
    session.execute(delete(ReportReader).where(ReportReader.user_id == user_id))


def post_due(session: Session, now: datetime) -> int:
    """Put the report of the last full month into the outbox for all who have not had it; how many.

    Where it has to be counted first, that is asked for: the next round posts it.
    """
    month = _over(session, now)
    due = select(ReportReader).where(ReportReader.last_month.is_distinct_from(month))
    readers = session.scalars(due).all() if _is_time(session, now) else []
    sender = session.scalars(select(Sender).order_by(Sender.id)).first()
    if not readers or sender is None:
        return 0
    asked = SEGMENT.asked_of({"months": 3, "until": month})
    found = answer(session, SEGMENT, asked, now)
    if found.report is None or found.report.months[-1].is_running:
        want(session, SEGMENT, asked, now)
        return 0
    return sum(_post(session, reader, sender, found.report, month, now) for reader in readers)


def ring() -> None:
    """After the commit: the letters wait."""
    enqueue(deliver)


def _post(
    session: Session, reader: ReportReader, sender: Sender, report: SegmentReport, month: str, now: datetime
) -> bool:
    """True unless another worker has just done it."""
    mine = (ReportReader.user_id == reader.user_id, ReportReader.last_month.is_not_distinct_from(reader.last_month))
    taken = update(ReportReader).where(*mine).values(last_month=month).returning(ReportReader.user_id)
    if session.execute(taken, execution_options={"synchronize_session": False}).first() is None:
        return False
    user, found = session.get_one(User, reader.user_id), organisation(session)
    config: Config = current_app.extensions["letterbond.config"]
    with force_locale(user.locale):
        mail = system_mail(
            "monthly",
            user.locale,
            sender=sender,
            organisation=found.name if found else "",
            month=month_title(month),
            lines=lines(report, found.currency if found else "EUR"),
            reasons=reasons(report, found.currency if found else "EUR"),
            url=f"{config.base_url}/reports/everybody?until={month}",
            stop_url=f"{config.base_url}/reports/definitions",
        )
    post(session, sender, user.email, _PURPOSE, *mail, system_headers(), now)
    return True


def _over(session: Session, now: datetime) -> str:
    """The last month that is over, in the organisation's time zone."""
    first = now.astimezone(time_zone(session)).date().replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


def _is_time(session: Session, now: datetime) -> bool:
    return now.astimezone(time_zone(session)).hour >= _FROM_HOUR
