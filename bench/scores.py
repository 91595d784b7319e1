"""Scores and memberships beside SQL written by hand: `python -m bench.scores [--people N] [--json FILE]`.

On a made-up world on each database, or, with `--database URL`, on one that `bench.make_world` has made and keeps. The
yardstick gives the same answer (the same integers, the same people) in the same run, written by hand for this one
question. Scores are in this file, memberships in `memberships.py`.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import create_app
from app.bulk import insert_stored, next_ids
from app.config import Config
from app.db import reading, transaction, utc_now
from app.events.batch import NewEvents
from app.events.models import PLACES, Event, Verdict
from app.feature import house
from app.scoring.apply import tally_scores
from app.scoring.models import ScoreClock, ScoreRule
from app.scoring.plan import read_plan
from app.scoring.points import decay_of, score_clock
from app.scoring.preview import preview
from app.scoring.rebuild import rebuild
from app.scoring.saving import current_plan
from app.scoring.tiers import change_tiers
from app.subscribers.models import Standing
from app.tally import write_tallies
from bench import memberships
from bench.worlds import DATABASES, Case, show, world

BATCH = 1000
Cases = Iterator[tuple[str, Case]]
# What the default rules give for an event: the hand writes down what the house reads from its tables.
_WORTH = """CASE kind WHEN 2 THEN 1000 WHEN 3 THEN -2000 WHEN 20 THEN 100 WHEN 21 THEN 300
    WHEN 30 THEN (1000 + ABS(COALESCE(value, 0)) * 100 / 1000) * CASE WHEN value < 0 THEN -1 ELSE 1 END END"""
_COUNTS = """kind IN (2, 3, 20, 21, 30) AND (verdict IS NULL OR verdict = 0 OR (verdict = 1 AND kind <> 21))"""
_SUM = f"""SELECT subscriber_id, CAST(SUM(({_WORTH}) * factor) AS BIGINT) AS total
    FROM event JOIN factor ON factor.day = event.occurred_at / 86400 WHERE {_COUNTS} GROUP BY subscriber_id"""


def main() -> int:
    """Measure on both databases, or on the one that is given."""
    parser = argparse.ArgumentParser(prog="python -m bench.scores")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--database", help="a world that is there already, with LETTERBOND_HOME or SECRET_KEY set")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    cases: dict[str, Case] = {}
    if given.database:
        app = create_app(Config.from_environment({"SECRET_KEY": "k" * 64, "DATABASE_URL": given.database}))
        with app.app_context():
            cases |= _named(given.database.partition(":")[0].partition("+")[0])
    else:
        for name in DATABASES:
            with world(name, given.people):
                cases |= _named(name)
    show(cases, given.json)
    return 0


def _named(database: str) -> dict[str, Case]:
    return {f"{database}, {what}": case for measure in (_cases, memberships.cases) for what, case in measure()}


def _cases() -> Cases:
    with reading() as session:
        people = session.scalar(text("SELECT COUNT(*) FROM standing")) or 0
        events = session.scalar(text("SELECT COUNT(*) FROM event")) or 0
    with transaction() as session:
        _factors(session)
        by_hand = _seconds(lambda: session.execute(text(_SUM)).all())
        written = _seconds(lambda: _write_by_hand(session))
        session.rollback()
    with transaction() as session:
        # Every score changes where the half-life does.
        longer = ScoreClock.wanted_half_life_days + 1
        session.execute(update(ScoreClock).values(wanted_half_life_days=longer), execution_options=_SILENT)
        ours = _seconds(lambda: rebuild(session, utc_now()))
        session.rollback()
    yield "rebuild, all scores change", Case(ours, written, events)
    with transaction() as session:
        yield "rebuild, to the sums alone", Case(_seconds(lambda: rebuild(session, utc_now())), by_hand, events)
    with transaction() as session:
        yield "tiers of all, none due", Case(*_tiers(session), people)
    with reading() as session:
        yield "preview of other points", Case(_seconds(lambda: _preview(session)), by_hand, people)
    yield "1,000 events, plain rules", _added(capped=False)
    yield "1,000 events, a capped rule", _added(capped=True)


_SILENT = {"synchronize_session": False}


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _factors(session: Session) -> None:
    """What each day's points are multiplied with, in a table of their own."""
    clock = score_clock(session)
    assert clock is not None
    first, last = session.execute(text("SELECT MIN(occurred_at) / 86400, MAX(occurred_at) / 86400 FROM event")).one()
    session.execute(text("CREATE TEMPORARY TABLE factor (day INTEGER PRIMARY KEY, factor BIGINT)"))
    rows = [{"day": day, "factor": factor} for day, factor in decay_of(clock).table(first, last)]
    session.execute(text("INSERT INTO factor VALUES (:day, :factor)"), rows)


def _write_by_hand(session: Session) -> None:
    session.execute(text(f"CREATE TEMPORARY TABLE total AS {_SUM}"))
    session.execute(
        text(
            "UPDATE standing SET score = total.total + 1 FROM total WHERE total.subscriber_id = standing.subscriber_id"
        )
    )


def _tiers(session: Session) -> tuple[float, float]:
    clock, now = score_clock(session), utc_now()
    assert clock is not None
    while change_tiers(session, decay_of(clock), now):
        pass
    ours = _seconds(lambda: change_tiers(session, decay_of(clock), now))
    limits = {
        f"t{points}": decay_of(clock).threshold(points, int(now.timestamp()) // 86400) for points in (15, 40, 100)
    }
    tiers = "CASE WHEN score >= :t100 THEN 4 WHEN score >= :t40 THEN 3 WHEN score >= :t15 THEN 2 ELSE 1 END"
    due = text(f"SELECT COUNT(*) FROM standing WHERE tier_id < {tiers}")
    return ours, _seconds(lambda: session.scalar(due, limits))


def _preview(session: Session) -> None:
    plan = current_plan(session)
    assert plan is not None
    data = plan.model_dump()
    data["scores"][0]["rules"][0]["points"] = 25
    preview(session, read_plan(data), utc_now())


def _added(*, capped: bool) -> Case:
    """What scoring adds to a batch of clicks and opens that are written already; tiers do not change here."""
    dice, kinds = random.Random(3), house().kinds
    with transaction() as session:
        if capped:
            session.execute(update(ScoreRule).where(ScoreRule.kind == "clicked").values(per_day=1))
        highest = session.scalar(text("SELECT MAX(subscriber_id) FROM standing")) or 1
        codes = [kinds["clicked" if dice.random() < 0.25 else "opened"].code for _ in range(BATCH)]
        people = [dice.randrange(1, highest + 1) for _ in range(BATCH)]
        moments, campaigns = [_recently(dice) for _ in range(BATCH)], [1 + dice.randrange(20) for _ in range(BATCH)]
        ids, verdicts = next_ids(session, Event, BATCH), [PLACES[Verdict.HUMAN]] * BATCH
        events = NewEvents(ids, codes, people, moments, campaigns, [None] * BATCH, verdicts)
        names = ("id", "kind", "subscriber_id", "occurred_at", "campaign_id", "value", "verdict")
        insert_stored(session, Event, {name: getattr(events, name) for name in names}, BATCH)
        session.execute(update(Standing).values(tier_id=select(1).scalar_subquery()), execution_options=_SILENT)
        session.execute(text("DELETE FROM tier WHERE id > 1"))
        ours = min(_seconds(lambda: _score(session, events)) for _ in range(5))
        added = text("UPDATE standing SET score = score + :points WHERE subscriber_id = :person")
        rows = [{"points": 1000, "person": person} for person in people]
        by_hand = min(_seconds(lambda: session.connection().execute(added, rows)) for _ in range(5))
        session.rollback()
    return Case(ours, by_hand, BATCH)


def _score(session: Session, events: NewEvents) -> None:
    write_tallies(session, [tally_scores(session, events)])


def _recently(dice: random.Random) -> int:
    return int(utc_now().timestamp()) - dice.randrange(86_400)


if __name__ == "__main__":
    raise SystemExit(main())
