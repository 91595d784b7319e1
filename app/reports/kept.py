"""Reports that take long: counted in the background, kept, and shown with the moment they are of.

In a small house a report is counted when it is looked at. From LIVE_EVENTS events on, a page shows what was kept; it is
counted when somebody presses the button, and anew every night. In charge of: that choice, the waiting line and who
counts what. Not of: counting (`kinds`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import CursorResult, Executable, Update, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.audiences.segment import current_segments
from app.campaigns.models import Campaign
from app.delivery.models import Shard
from app.events.models import Event
from app.reports.kinds import (
    CAMPAIGN,
    COHORTS,
    COMPARISON,
    KINDS,
    LIVE_MAILS,
    MOVES,
    RFM,
    SEGMENT,
    SURVIVAL,
    CampaignAsked,
    Kind,
)
from app.reports.models import CountState, KeptReport
from app.reports.rows import Rows

Query = TypeVar("Query", bound=BaseModel)
Report = TypeVar("Report")

# Up to here the heaviest report takes less than two seconds on a slow machine.
LIVE_EVENTS = 300_000
# Who counts longer than this has died.
LONGEST = timedelta(hours=1)
# What nobody has asked for in this time is counted no more.
FORGOTTEN = timedelta(days=30)
FRESH = timedelta(hours=20)
# A campaign is counted anew when it has grown older by one part in so many.
_TIMES = 24
# Of those that were never counted so many at a time: others wait for the same worker.
_FIRST_COUNTS = 5
_UNDER_WAY = (CountState.WAITING, CountState.COUNTING)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Report]):
    """The report, None while there is none; `count` is what is kept of it, None where it was counted just now."""

    report: Report | None
    count: KeptReport | None


def is_large(session: Session) -> bool:
    """Whether there are so many events that reports are kept."""
    return (session.scalar(select(func.max(Event.id))) or 0) > LIVE_EVENTS


def answer(session: Session, kind: Kind[Query, Report], query: Query, now: datetime) -> Answer[Report]:
    """The report as of now, or as it was kept."""
    if not (kind.is_large(session, query) if kind.is_large else is_large(session)):
        return Answer(kind.count(session, session, query, now), None)
    kept = session.scalar(select(KeptReport).where(KeptReport.kind == kind.name, KeptReport.asked == kind.asked(query)))
    text = kept.result if kept else None
    return Answer(kind.restored(text) if text else None, kept)


def kept_answers(session: Session, kind: Kind[Query, Report], queries: Iterable[Query]) -> list[Report]:
    """What is kept of these questions."""
    asked = [kind.asked(query) for query in queries]
    texts = select(KeptReport.result).where(KeptReport.kind == kind.name, KeptReport.asked.in_(asked))
    return [kind.restored(text) for text in session.scalars(texts) if text]


def want(session: Session, kind: Kind[Query, Any], query: Query, now: datetime) -> int:
    """Put a question into the waiting line, unless it is there already; the id of its count."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"kind": kind.name, "asked": kind.asked(query), "state": CountState.WAITING, "progress": 0, "wanted_at": now}
    new = dialect.insert(KeptReport).values(row)
    done = KeptReport.state.not_in(_UNDER_WAY)
    again = {"state": CountState.WAITING, "progress": 0, "wanted_at": now, "error": None}
    session.execute(new.on_conflict_do_update(index_elements=["kind", "asked"], set_=again, where=done))
    same = (KeptReport.kind == kind.name, KeptReport.asked == kind.asked(query))
    return session.execute(select(KeptReport.id).where(*same)).scalar_one()


def want_usual(session: Session, now: datetime) -> None:
    """What pages show unasked: everybody and each segment as now, side by side, and the first cohort grid."""
    if not is_large(session):
        return
    asked: list[tuple[Kind[Any, Any], BaseModel]] = [
        (kind, kind.asked_of({})) for kind in (COMPARISON, COHORTS, SURVIVAL, MOVES, RFM)
    ]
    segments = (None, *(segment.id for segment in current_segments(session)))
    asked += [(SEGMENT, SEGMENT.asked_of({"segment_id": each})) for each in segments]
    stale = now - FRESH
    for kind, query in asked:
        done = select(KeptReport.as_of).where(KeptReport.kind == kind.name, KeptReport.asked == kind.asked(query))
        as_of = session.scalar(done)
        if as_of is None or as_of < stale:
            want(session, kind, query, now)


def want_campaigns(session: Session, now: datetime) -> None:
    """The reports of large campaigns, the latest first: of a new one every few minutes, of one a day old each hour, and
    after a month no more."""
    sizes = select(Shard.campaign_id).group_by(Shard.campaign_id).having(func.sum(Shard.size) > LIVE_MAILS)
    large = select(Campaign.id, Campaign.started_at).where(Campaign.id.in_(sizes), Campaign.archived_at.is_(None))
    done = select(KeptReport.asked, KeptReport.as_of).where(KeptReport.kind == CAMPAIGN.name)
    counted_at = {asked: as_of for asked, as_of in session.execute(done)}  # noqa: C416 - rows are no tuples to mypy
    first = 0
    for campaign_id, started_at in session.execute(large.order_by(Campaign.started_at.desc())).all():
        query = CampaignAsked(campaign_id=campaign_id)
        as_of, began = counted_at.get(CAMPAIGN.asked(query)), started_at or now
        first += as_of is None
        is_old = as_of is not None and as_of - began < FORGOTTEN and now - as_of > (now - began) / _TIMES
        if is_old or (as_of is None and first <= _FIRST_COUNTS):
            want(session, CAMPAIGN, query, now)


def renew(session: Session, now: datetime) -> int:
    """Put all that is old back into the line, and what a dead worker has left; how many."""
    stale = (KeptReport.state == CountState.DONE) & (KeptReport.as_of < now - FRESH)
    asked = KeptReport.wanted_at > now - FORGOTTEN
    died = (KeptReport.state == CountState.COUNTING) & (KeptReport.started_at < now - LONGEST)
    again = update(KeptReport).where(or_(stale & asked, died)).values(state=CountState.WAITING, progress=0)
    return _changed(session, again)


def take(session: Session, now: datetime) -> KeptReport | None:
    """The question that waits longest, which is then ours to count."""
    waiting = KeptReport.state == CountState.WAITING
    first = select(KeptReport.id).where(waiting).order_by(KeptReport.wanted_at, KeptReport.id).limit(1)
    taken = (
        update(KeptReport)
        .where(KeptReport.id == first.scalar_subquery(), waiting)
        .values(state=CountState.COUNTING, started_at=now, progress=0)
        .returning(KeptReport)
    )
    return session.scalar(taken, execution_options={"populate_existing": True})


def counted(session: Session, taken: KeptReport, rows: Rows, now: datetime) -> str:
    """The report that was asked, as text."""
    kind = KINDS[taken.kind]
    return kind.stored(kind.count(session, rows, kind.question(taken.asked), now))


def settle(session: Session, kept_id: int, result: str, as_of: datetime) -> None:
    """Keep the result."""
    values = {"state": CountState.DONE, "progress": 100, "result": result, "as_of": as_of, "error": None}
    session.execute(update(KeptReport).where(KeptReport.id == kept_id).values(values))


def give_up(session: Session, kept_id: int, error: str) -> None:
    """Say why there is no result; an older one stays."""
    values = {"state": CountState.FAILED, "error": error}
    session.execute(update(KeptReport).where(KeptReport.id == kept_id).values(values))


def note_progress(session: Session, kept_id: int, done: int, kind: str) -> None:
    """Say how far it is: the last statement leaves some work to do."""
    percent = min(99, 100 * done // (KINDS[kind].statements + 1))
    session.execute(update(KeptReport).where(KeptReport.id == kept_id).values(progress=percent))


class Told:
    """Rows that tell after each statement how many they have run."""

    def __init__(self, rows: Rows, tell: Callable[[int], None]) -> None:
        self._rows, self._tell, self._done = rows, tell, 0

    def execute(self, statement: Executable, /) -> Iterable[Any]:
        """As the rows do."""
        found = self._rows.execute(statement)
        self._done += 1
        self._tell(self._done)
        return found


def _changed(session: Session, statement: Update) -> int:
    found = session.execute(statement)
    assert isinstance(found, CursorResult)
    return found.rowcount
