"""What `bench.reports` compares: each case is ours and the best SQL by hand for the same answer.

Not in charge of: how they are measured (`reports.py`), nor of SQL too long to stand here (`reports_by_hand.py`).
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.history import sizes
from app.audiences.models import Segment
from app.audiences.segment import current_segments
from app.db import Database, reading, utc_now
from app.events.models import Event
from app.reports import daily
from app.reports.columnar import Columnar
from app.reports.definitions import Definitions
from app.reports.history import history
from app.reports.kinds import COHORTS, COMPARISON, MOVES, SEGMENT, SURVIVAL
from app.reports.models import DailyState
from app.reports.periods import edges, months_until
from app.reports.presence import Presence, stretches
from app.reports.query import HistoryQuery, RfmQuery
from app.reports.retention import retention_between, retention_by_segment
from app.reports.rfm import rfm_report
from app.reports.scope import Scope
from bench import reports_by_hand
from bench.reports_by_hand import DAY

MONTHS = 24
Case = tuple[str, Callable[[], Any], Callable[[], Any]]
Counted = Callable[[Columnar], Any]


def pages(session: Session) -> Iterator[Case]:
    """What is counted while somebody waits."""
    now = utc_now()
    months = months_until(session, None, MONTHS, now)
    days = [daily.day_number(month.start.date()) for month in months]

    def ours_history() -> list[int]:
        found = history(session, HistoryQuery(months=MONTHS), now)
        return [sum(month.clicks for month in segment.months) for segment in found.segments]

    def hand_history() -> list[int]:
        branches = " ".join(f"WHEN day < {day} THEN {at}" for at, day in enumerate(days[1:]))
        summed = session.execute(
            text(
                f"SELECT segment_id, CASE {branches} ELSE {len(days) - 1} END AS month, sum(joined), sum(opens), "
                f"sum(clicks), sum(uniques), sum(purchases), sum(revenue) FROM segment_daily WHERE day >= {days[0]} "
                "GROUP BY 1, 2"
            )
        ).all()
        clicks: dict[int, int] = {}
        for row in summed:
            clicks[row[0]] = clicks.get(row[0], 0) + int(row[4])
        named = [daily.EVERYBODY, *(segment.id for segment in current_segments(session))]
        return [clicks.get(segment, 0) for segment in named]

    yield "history page, 20 segments x 24 months", ours_history, hand_history

    largest, stamps = _largest(session), [int(now.timestamp()) // DAY * DAY - DAY * back for back in range(89, -1, -1)]
    ends_of_days = [datetime.fromtimestamp(stamp, UTC) for stamp in stamps]

    def hand_sizes() -> list[int]:
        """A day's difference by the day, and the rest in one number."""
        at = f"CASE WHEN {{0}} < {stamps[0]} THEN 0 ELSE ({{0}} - {stamps[0]}) / {DAY} + 1 END"
        moved = [0] * 90
        for column, sign in (("joined_at", 1), ("left_at", -1)):
            found = f"SELECT {at.format(column)}, count(*) FROM membership WHERE segment_id = {largest}"
            for place, number in session.execute(text(f"{found} AND {column} < {stamps[-1]} GROUP BY 1")):
                moved[place] += sign * number
        return list(accumulate(moved))

    yield "a segment's page: 90 days of its size", lambda: sizes(session, largest, ends_of_days), hand_sizes

    def ours_rfm() -> int:
        return sum(group.people for group in rfm_report(session, RfmQuery(), now).classes.values())

    def hand_rfm() -> int:
        at = int(now.timestamp())
        borders = {
            f"last_order_at <= {at} - {DAY} * (1 + ": (30, 90, 180, 365),
            "orders > (": (1, 2, 4, 8),
            "spent > (": (2_500, 5_000, 10_000, 25_000),
        }
        scores = ", ".join(
            " + ".join(f"CASE WHEN {above}{border}) THEN 1 ELSE 0 END" for border in scale)
            for above, scale in borders.items()
        )
        figures = "count(*), sum(orders), sum(spent)"
        grouped = f"SELECT {scores}, {figures} FROM standing WHERE orders > 0 GROUP BY 1, 2, 3"
        return sum(int(row[3]) for row in session.execute(text(grouped)))

    yield "rfm page", ours_rfm, hand_rfm


def _largest(session: Session) -> int:
    return session.scalars(select(Segment.id).order_by(Segment.size.desc()).limit(1)).one()


def kept(session: Session) -> Iterator[tuple[str, Counted, Counted]]:
    """Ad-hoc raw history, as the job counts it: each time over a reader that has copied nothing yet."""
    now = utc_now()
    months = months_until(session, None, MONTHS, now)
    ends = edges(months, now)
    stamps = [int(end.timestamp()) for end in ends]

    def ours_retention(rows: Columnar) -> list[tuple[int, int]]:
        there = stretches(Presence.ACTIVE, Definitions(), Scope())
        return [(month.end, month.lost) for month in retention_between(rows, there, ends)]

    yield "retention of everybody, 24 months, raw", ours_retention, lambda rows: reports_by_hand.retention(rows, stamps)

    def ours_by_segment(rows: Columnar) -> int:
        there = stretches(Presence.ACTIVE, Definitions(), Scope())
        return sum(month.end for months in retention_by_segment(rows, there, ends).values() for month in months)

    yield (
        "retention of 20 segments, 24 months, raw",
        ours_by_segment,
        lambda rows: reports_by_hand.by_segment(rows, stamps),
    )

    def ours_cohorts(rows: Columnar) -> int:
        grid = COHORTS.count(session, rows, COHORTS.asked_of({"months": MONTHS, "metric": "clicked"}), now)
        return sum(month.people for cohort in grid.cohorts for month in cohort.months if month)

    yield "cohorts 24 x 24, clicked, raw", ours_cohorts, lambda rows: reports_by_hand.cohorts(rows, stamps)

    def ours_moves(rows: Columnar) -> int:
        return sum(move.people for move in MOVES.count(session, rows, MOVES.asked_of({}), now).moves)

    yield "ladder: moves of everybody, raw", ours_moves, lambda rows: reports_by_hand.moves(rows, now)

    def ours_survival(rows: Columnar) -> int:
        return sum(curve.stays for curve in SURVIVAL.count(session, rows, SURVIVAL.asked_of({}), now).curves)

    yield "survival of everybody", ours_survival, lambda rows: reports_by_hand.survival(rows, now)

    def ours_report(rows: Columnar) -> int:
        asked = SEGMENT.asked_of({"months": MONTHS})
        for name in SEGMENT.copies:
            rows.copy(name)
        return sum(month.engagement.clicks for month in SEGMENT.count(session, rows, asked, now).months)

    yield "whole report of everybody, 24 months, raw", ours_report, lambda rows: reports_by_hand.report(rows, stamps)


def stored(session: Session, rows: Columnar) -> Iterator[Case]:
    """What was counted, as a page reads it."""
    now = utc_now()
    kept = COMPARISON.stored(COMPARISON.count(session, rows, COMPARISON.asked_of({}), now))
    lines = len(COMPARISON.restored(kept).lines)
    yield "a kept report, read", lambda: len(COMPARISON.restored(kept).lines), lambda: json.loads(kept) and lines


def nightly(database: Database) -> Iterator[Case]:
    """The rows of one day more."""
    with reading() as session:
        newest = session.scalar(select(func.max(Event.id))) or 0
        last = session.scalar(select(func.max(Event.occurred_at)))
        assert last
        since = int(last.timestamp()) - DAY
    # Events of a made-up world lie in no order of time: one day's worth of ids stands for a day.
    after = newest - max(1, newest // (MONTHS * 30))

    def ours() -> int:
        return _undone(database, lambda session: _build_again(session, after))

    def by_hand() -> int:
        return _undone(database, lambda session: reports_by_hand.build(session, after, newest, since))

    yield "daily rows: one day more", ours, by_hand


def _undone(database: Database, work: Callable[[Session], int]) -> int:
    with Session(database.engine) as session:
        answer = work(session)
        session.rollback()
    return answer


def _build_again(session: Session, after: int) -> int:
    now = utc_now()
    zone = time_zone(session)
    yesterday = daily.day_number(now.astimezone(zone).date()) - 1
    state = DailyState(id=1, event_id=after, open_day=yesterday, time_zone=zone.key, built_at=now)
    session.merge(state)
    session.flush()
    daily.build(session, now)
    return 1
