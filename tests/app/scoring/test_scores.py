"""Scores: added as events come, rebuilt from scratch, explained entry by entry; always the same number."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import transaction
from app.events.models import Event, Verdict
from app.events.record import happening, record
from app.feature import EventKind, house
from app.scoring import merge_tags
from app.scoring.defaults import defaults
from app.scoring.explain import explain_score
from app.scoring.jobs import keep_scores
from app.scoring.models import ScoreClock, ScoreRule, Tier
from app.scoring.rebuild import rebuild, want_rebuild
from app.subscribers.kinds import CONFIRMED, UNSUBSCRIBED
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED
from tests import make

pytestmark = pytest.mark.usefixtures("app")

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _rules(app: object) -> None:
    with transaction() as session:
        defaults(session, TODAY)


def purchased() -> EventKind:
    return house().kinds["purchased"]


def stored(session: Session) -> dict[int, int]:
    return dict(session.execute(select(Standing.subscriber_id, Standing.score)).all())


def points(session: Session, person: int) -> float:
    explanation = explain_score(session, person, datetime.now(UTC))
    assert explanation is not None
    return explanation.score


def test_each_kind_is_worth_what_the_table_says() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(
            session,
            [
                happening(CONFIRMED, person, TODAY),
                happening(OPENED, person, TODAY, verdict=Verdict.HUMAN),
                happening(CLICKED, person, TODAY, verdict=Verdict.HUMAN),
                happening(purchased(), person, TODAY, value=3599),
            ],
        )
    with transaction() as session:
        assert points(session, person) == pytest.approx(10 + 1 + 3 + 10 + 3.59)


def test_leaving_costs_points() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(UNSUBSCRIBED, person, TODAY)])
    with transaction() as session:
        assert points(session, person) == -20


@pytest.mark.parametrize(
    ("kind", "verdict", "expected"),
    [
        (OPENED, Verdict.HUMAN, 1),
        (OPENED, Verdict.PROXY, 1),
        (OPENED, Verdict.PREFETCH, 0),
        (OPENED, Verdict.SCANNER, 0),
        (OPENED, Verdict.UNKNOWN, 0),
        (CLICKED, Verdict.HUMAN, 3),
        (CLICKED, Verdict.PROXY, 0),
        (CLICKED, Verdict.SCANNER, 0),
    ],
)
def test_a_machine_raises_no_score(kind: EventKind, verdict: Verdict, expected: int) -> None:
    """T7"""
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(kind, person, TODAY, verdict=verdict)])
    with transaction() as session:
        assert points(session, person) == expected
        rebuild(session, TODAY)
    with transaction() as session:
        assert points(session, person) == expected


def test_half_of_the_points_are_left_after_the_half_life() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(CONFIRMED, person, TODAY - timedelta(days=180))])
    with transaction() as session:
        assert points(session, person) == pytest.approx(5, rel=1e-5)


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["confirmed", "opened", "clicked", "purchased", "unsubscribed", "imported"]),
        st.integers(0, 2),
        st.integers(-40 * 365 * 86400, 30 * 86400),
        st.sampled_from([None, Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER]),
        st.none() | st.integers(-100_000, 100_000),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=HAPPENINGS, sizes=st.lists(st.integers(1, 7), min_size=25, max_size=25))
def test_a_rebuild_gives_the_same_integers_as_adding_in_any_order(
    happenings: list[tuple[str, int, int, Verdict | None, int | None]], sizes: list[int]
) -> None:
    with transaction() as session:
        session.execute(delete(Event))
        session.execute(delete(Standing))
        people = [make.subscriber(session, f"{datetime.now(UTC).timestamp()}-{n}@example.org").id for n in range(3)]
        rows = [
            happening(
                house().kinds[kind],
                people[whose],
                TODAY + timedelta(seconds=seconds),
                verdict=verdict if kind in {"opened", "clicked"} else None,
                value=value if kind == "purchased" else None,
            )
            for kind, whose, seconds, verdict, value in happenings
        ]
        for batch in _batches(rows, sizes):
            record(session, batch)
    with transaction() as session:
        added = stored(session)
        rebuild(session, TODAY, people)
    with transaction() as session:
        assert stored(session) == added
        session.execute(update(Standing).values(score=7))
        rebuild(session, TODAY)
    with transaction() as session:
        assert stored(session) == added


def _batches(rows: list[dict[str, object]], sizes: Sequence[int]) -> Iterator[list[dict[str, object]]]:
    rest = iter(sizes)
    while rows:
        size = next(rest)
        yield rows[:size]
        rows = rows[size:]


def test_new_rules_apply_to_the_past_once_the_job_has_run() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(CLICKED, person, TODAY, verdict=Verdict.HUMAN)])
        session.execute(update(ScoreRule).where(ScoreRule.kind == "clicked").values(points=700))
        want_rebuild(session, TODAY)
    with transaction() as session:
        explanation = explain_score(session, person, datetime.now(UTC))
        assert explanation
        assert not explanation.agrees

    keep_scores()

    with transaction() as session:
        assert points(session, person) == 7
        assert session.get_one(ScoreClock, 1).rebuild_wanted_at is None


def test_a_landmark_too_long_ago_is_moved_by_the_job() -> None:
    long_ago = TODAY - timedelta(days=13 * 180)
    with transaction() as session:
        session.execute(update(ScoreClock).values(landmark_day=int(long_ago.timestamp()) // 86400))
        person = make.subscriber(session).id
        record(session, [happening(CONFIRMED, person, TODAY - timedelta(days=90))])
        before = points(session, person)

    keep_scores()

    with transaction() as session:
        assert session.get_one(ScoreClock, 1).landmark_day == int(datetime.now(UTC).timestamp()) // 86400
        assert points(session, person) == pytest.approx(before, rel=1e-5)


def test_the_entries_add_up_to_the_score() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(
            session,
            [
                happening(CONFIRMED, person, TODAY - timedelta(days=200)),
                happening(purchased(), person, TODAY - timedelta(days=20), value=12_345),
                happening(OPENED, person, TODAY, verdict=Verdict.SCANNER),
            ],
        )
    with transaction() as session:
        explanation = explain_score(session, person, datetime.now(UTC))
        assert explanation
        assert [entry.kind.name for entry in explanation.entries] == ["purchased", "confirmed"]
        assert explanation.agrees
        assert sum(entry.hundredths_now for entry in explanation.entries) == int(explanation.score * 100)


def test_undone_events_take_their_points_with_them() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(CONFIRMED, person, TODAY), happening(purchased(), person, TODAY, value=1000)])
        session.execute(delete(Event).where(Event.kind == purchased().code))
        house().on_events_removed(session, [person])
    with transaction() as session:
        assert points(session, person) == 10


def test_mails_may_say_score_and_tier() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        record(session, [happening(CONFIRMED, person, TODAY), happening(CONFIRMED, person, TODAY)])
        assert merge_tags(session, [person], {"score"}) == {person: {"score": 20.0, "tier": "Reader"}}


def test_without_a_setup_events_score_nothing_and_break_nothing() -> None:
    with transaction() as session:
        session.execute(delete(ScoreRule))
        session.execute(delete(ScoreClock))
        session.execute(delete(Tier))
        person = make.subscriber(session).id
        record(session, [happening(CONFIRMED, person, TODAY)])
        assert stored(session) == {person: 0}
