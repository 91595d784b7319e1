"""The ladder in SQL stands where the pure function says, for everybody at both moments."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import transaction
from app.events.models import Verdict
from app.reports.charts import moves_chart
from app.reports.ladder import Moves, moves
from app.reports.query import MovesQuery
from app.reports.words import rungs
from app.shop.kinds import PURCHASED
from app.subscribers.models import Status
from app.tracking.kinds import CLICKED
from segments.ladder import Ladder, Rung, rung
from tests import make
from tests.app.reports.world import at, happened, member

NOW = at("2026-11-21T12:00")
SINCE = at("2026-07-31T22:00")  # midnight, 1 August, in Berlin


def asked(session: Session, **query: object) -> Moves:
    return moves(session, session, MovesQuery(since="2026-08-01", **query), NOW)


def test_everybody_stands_where_the_rule_says(app: APIFlask) -> None:
    dice = random.Random(3)
    expected: Counter[tuple[Rung | None, Rung]] = Counter()
    with transaction() as session:
        for _ in range(150):
            created = NOW - timedelta(days=dice.choice([3, 20, 40, 100, 200, 400, 900]), hours=dice.randrange(24))
            ended = dice.choice([None, None, None, NOW - timedelta(days=dice.randrange(1, 300))])
            ended = max(ended, created) if ended else None
            status = Status.UNSUBSCRIBED if ended else Status.ACTIVE
            person = make.subscriber(session, created_at=created, ended_at=ended, status=status).id
            # Some bought elsewhere, long before they came.
            span = (NOW - created).days + dice.choice([0, 0, 300])
            acts = sorted(NOW - timedelta(days=dice.randrange(span + 1)) for _ in range(dice.randrange(4)))
            for act in acts:
                kind = dice.choice([PURCHASED, CLICKED])
                happened(session, kind, person, f"{act:%Y-%m-%dT%H:%M:%S}")
            happened(session, CLICKED, person, "2026-07-30", verdict=Verdict.SCANNER)
            stands = []
            for moment in (SINCE, NOW):
                before = [act for act in acts if act <= moment]
                silent = (moment - max(before)) / timedelta(days=1) if before else None
                here = (moment - created) / timedelta(days=1)
                has_left = ended is not None and ended <= moment
                stands.append(rung(Ladder(), here, silent, has_left=has_left) if here >= 0 else None)
            first, second = stands
            assert second is not None
            expected[first, second] += 1
        found = asked(session)
    assert {(move.before, move.after): move.people for move in found.moves} == expected
    assert len(expected) > 8
    before, after = found.on(Rung.LOST)
    assert after == sum(number for (_, rung_), number in expected.items() if rung_ is Rung.LOST)
    assert before == sum(number for (rung_, _), number in expected.items() if rung_ is Rung.LOST)


def test_a_segment_now_and_then(app: APIFlask) -> None:
    with transaction() as session:
        now_in, then_in, pending = (make.subscriber(session, created_at=at("2026-01-05")).id for _ in range(3))
        make.subscriber(session, status=Status.PENDING)
        segment = make.segment(session, {"all": []}).id
        member(session, segment, now_in, "2026-10-01")
        member(session, segment, then_in, "2026-07-01", "2026-09-01")
        member(session, segment, pending, "2026-10-02")
        sizes = [
            sum(move.people for move in asked(session, segment=segment, people=people).moves)
            for people in ("now", "then")
        ]
        everybody = sum(move.people for move in asked(session).moves)
    assert (sizes, everybody) == ([2, 1], 3)


def test_a_stream_is_drawn_for_each_move(app: APIFlask) -> None:
    with app.test_request_context(), transaction() as session:
        make.subscriber(session, created_at=at("2026-11-10"))
        make.subscriber(session, created_at=at("2026-02-10"))
        chart = moves_chart(asked(session), rungs())
    assert [(link["source"], link["target"], link["value"]) for link in chart["links"]] == [
        ("1 Not here yet", "2 New", 1),
        ("1 Cooling", "2 Sleeping", 1),
    ]
    assert sum(sum(series["values"]) for series in chart["series"]) == 2


def test_without_dates_it_begins_with_a_day_that_can_be_chosen(app: APIFlask) -> None:
    with transaction() as session:
        found = moves(session, session, MovesQuery(), NOW)
    assert (found.since, found.until) == (at("2026-08-22T22:00"), NOW)  # midnight, 23 August, in Berlin


@pytest.mark.parametrize("query", [{"until": "2026-08-01"}, {"until": "2020-01-01"}])
def test_the_second_moment_is_never_before_the_first(app: APIFlask, query: dict[str, str]) -> None:
    with transaction() as session:
        found = asked(session, **query)
    assert found.since <= found.until <= NOW
