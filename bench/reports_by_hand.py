"""The same answers as `bench.reports`, by the best SQL we know by hand: what ours is measured against.

Not in charge of: what is asked, and when.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.reports.columnar import Columnar

DAY = 86_400


_DONE = f"""SELECT subscriber_id AS who, occurred_at AS since,
    least(lead(occurred_at) OVER (PARTITION BY subscriber_id ORDER BY occurred_at), occurred_at + {90 * DAY}) AS until
    FROM event WHERE kind = 30 AND coalesce(value, 0) >= 0 OR kind = 21 AND verdict IN (0, 1) OR kind = {{confirmed}}"""


def _busy() -> str:
    """Who is not silent, cut where she left."""
    from app.subscribers.kinds import CONFIRMED

    done = _DONE.format(confirmed=CONFIRMED.code)
    return f"""SELECT who, since, least(until, coalesce(ended_at, until)) AS until FROM ({done}) d
        JOIN standing s ON s.subscriber_id = d.who WHERE since < coalesce(ended_at, since + 1)"""


def _moments(stamps: Sequence[int]) -> str:
    return f"SELECT unnest({list(stamps)}) AS t, unnest(range({len(stamps)})) AS i"


def retention(rows: Columnar, stamps: Sequence[int]) -> list[tuple[int, int]]:
    """A bit for each moment and person, then sums of what neighbouring bits say."""
    found = rows.execute(
        text(
            f"""WITH bits AS (SELECT who, sum(DISTINCT 1::BIGINT << i) AS m FROM ({_busy()}) b
                JOIN ({_moments(stamps)}) x ON since < t AND t <= until GROUP BY who)
            SELECT i, count(*) FILTER (m::BIGINT >> i & 1 = 1),
                count(*) FILTER (m::BIGINT >> (i - 1) & 1 = 1 AND m::BIGINT >> i & 1 = 0)
            FROM bits, ({_moments(stamps)}) x WHERE i > 0 GROUP BY i ORDER BY i"""
        )
    )
    return [(int(end), int(lost)) for _at, end, lost in found]


def by_segment(rows: Columnar, stamps: Sequence[int]) -> int:
    found = rows.execute(
        text(
            f"""WITH bits AS (SELECT who, sum(DISTINCT 1::BIGINT << i) AS m FROM ({_busy()}) b
                JOIN ({_moments(stamps)}) x ON since < t AND t <= until GROUP BY who)
            SELECT sum(n) FROM (SELECT segment_id, i, count(*) FILTER (m::BIGINT >> i & 1 = 1) AS n FROM bits
                JOIN membership ON subscriber_id = who AND left_at = 253402214400, ({_moments(stamps)}) x
                WHERE i > 0 GROUP BY segment_id, i)"""
        )
    )
    return int(next(iter(found))[0])


def cohorts(rows: Columnar, stamps: Sequence[int]) -> int:
    """A bit for each month in which somebody clicked."""
    months = " ".join(f"WHEN occurred_at < {stamp} THEN {at}" for at, stamp in enumerate(stamps[1:]))
    joined = months.replace("occurred_at", "created_at")
    found = rows.execute(
        text(
            f"""WITH did AS (SELECT DISTINCT subscriber_id AS who, CASE {months} END AS month FROM event
                WHERE kind = 21 AND verdict IN (0, 1) AND occurred_at >= {stamps[0]} AND occurred_at < {stamps[-1]})
            SELECT count(*) FROM did JOIN (SELECT subscriber_id AS who, CASE {joined} END AS cohort FROM standing
                WHERE status <> 0 AND created_at >= {stamps[0]} AND created_at < {stamps[-1]}) s USING (who)
            WHERE month >= cohort"""
        )
    )
    return int(next(iter(found))[0])


def moves(rows: Columnar, now: datetime) -> int:
    then, at = int(now.timestamp()) - 90 * DAY, int(now.timestamp())
    found = rows.execute(
        text(
            f"""WITH a AS (SELECT subscriber_id, max(occurred_at) FILTER (occurred_at <= {then}) AS x,
                max(occurred_at) AS y FROM event WHERE occurred_at <= {at} AND (kind = 30
                AND coalesce(value, 0) >= 0 OR kind = 21 AND verdict IN (0, 1) OR kind = 2) GROUP BY 1)
            SELECT sum(n) FROM (SELECT ({then} - coalesce(x, created_at)) // {90 * DAY} AS p,
                ({at} - coalesce(y, created_at)) // {90 * DAY} AS q, ended_at <= {then}, ended_at <= {at},
                count(*) AS n FROM standing LEFT JOIN a USING (subscriber_id)
                WHERE status <> 0 AND created_at <= {at} GROUP BY ALL)"""
        )
    )
    return int(next(iter(found))[0])


def survival(rows: Columnar, now: datetime) -> int:
    at = int(now.timestamp())
    found = rows.execute(
        text(
            f"""SELECT sum(n) FROM (SELECT (least(coalesce(ended_at, {at}), {at}) - created_at) // {DAY} AS days,
                count(*) AS n FROM standing WHERE status <> 0 AND created_at <= {at} GROUP BY 1)"""
        )
    )
    return int(next(iter(found))[0])


def report(rows: Columnar, stamps: Sequence[int]) -> int:
    """Engagement and retention by the same hand; repeat purchases by one window over the orders. All of it is asked of
    the events, so they are copied first."""
    rows.copy("event")
    months = " ".join(f"WHEN occurred_at < {stamp} THEN {at}" for at, stamp in enumerate(stamps[1:]))
    did = rows.execute(
        text(
            f"""SELECT CASE {months} END AS month, count(*) FILTER (kind = 20), count(*) FILTER (kind = 21),
                count(DISTINCT subscriber_id) FILTER (kind < 30), count(*) FILTER (kind = 30), sum(value)
                FROM event WHERE (kind = 30 OR kind IN (20, 21) AND verdict IN (0, 1))
                AND occurred_at >= {stamps[0]} AND occurred_at < {stamps[-1]} GROUP BY 1"""
        )
    )
    clicks = sum(int(row[2]) for row in did)
    retention(rows, stamps)
    rows.execute(
        text(
            f"""SELECT CASE {months} END AS month, n, count(*) FROM (SELECT occurred_at, row_number()
                OVER (PARTITION BY subscriber_id ORDER BY occurred_at) AS n FROM event WHERE kind = 30) GROUP BY 1, 2"""
        )
    )
    rows.execute(text(f"SELECT sent_at // {30 * DAY}, count(*) FROM delivery WHERE sent_at >= {stamps[0]} GROUP BY 1"))
    return clicks


def build(session: Session, after: int, newest: int, since: int) -> int:
    """The counts alone, by UTC days, and nothing written."""
    session.execute(
        text(
            f"""SELECT m.segment_id, e.occurred_at / {DAY}, count(*), count(DISTINCT e.subscriber_id), sum(e.value)
                FROM event e JOIN membership m ON m.subscriber_id = e.subscriber_id AND m.joined_at <= e.occurred_at
                AND m.left_at > e.occurred_at WHERE e.id > {after} AND e.id <= {newest} AND e.kind IN (20, 21, 30)
                GROUP BY 1, 2"""
        )
    ).all()
    for column in ("joined_at", "left_at"):
        counted = f"SELECT segment_id, {column} >= {since}, count(*) FROM membership GROUP BY 1, 2"
        session.execute(text(counted)).all()
    return 1
