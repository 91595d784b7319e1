"""Tiers: who rises and falls when, and what a new plan would do before it is saved."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import database, transaction
from app.errors import Invalid
from app.events.models import Event
from app.events.record import happening, record
from app.scoring.defaults import defaults
from app.scoring.jobs import keep_scores
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import ScoreClock, Tier
from app.scoring.plan import Plan, read_plan
from app.scoring.preview import preview, tier_sizes
from app.scoring.saving import current_plan, save_plan
from app.scoring.tiers import change_tiers
from app.subscribers.kinds import CONFIRMED
from app.subscribers.models import Standing
from segments.score import Decay
from tests import make

pytestmark = pytest.mark.usefixtures("app")

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _rules(app: object) -> None:
    with transaction() as session:
        defaults(session, NOW)


def confirm(session: Session, person: int, times: int, ago: int = 0) -> None:
    record(session, [happening(CONFIRMED, person, NOW - timedelta(days=ago)) for _ in range(times)])


def tier_of(session: Session, person: int) -> str | None:
    named = select(Tier.name).join(Standing, Standing.tier_id == Tier.id)
    return session.scalar(named.where(Standing.subscriber_id == person))


def changes(session: Session) -> Sequence[dict[str, Any] | None]:
    return session.scalars(select(Event.data).where(Event.kind == TIER_CHANGED.code).order_by(Event.id)).all()


def plan_now(session: Session) -> Plan:
    plan = current_plan(session)
    assert plan
    return plan


def changed(plan: Plan, **values: Any) -> Plan:
    """The plan with other values; those of a score are of the main one."""
    data = plan.model_dump()
    for name in ("rules", "half_life_days"):
        if name in values:
            data["scores"][0][name] = values.pop(name)
    return read_plan({**data, **values})


def test_everybody_begins_in_the_lowest_tier_and_that_is_no_change() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        confirm(session, person, 1)
    with transaction() as session:
        assert tier_of(session, person) == "New"
        assert changes(session) == []


def test_crossing_a_threshold_is_an_event_that_names_both_tiers() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        confirm(session, person, 1)
        confirm(session, person, 1)
    with transaction() as session:
        assert tier_of(session, person) == "Reader"
        (change,) = changes(session)
        assert change
        assert (change["from"], change["to"]) == ("New", "Reader")
        assert session.scalar(select(Standing.tier_since)) is not None


def test_a_score_below_zero_stays_in_the_lowest_tier() -> None:
    with transaction() as session:
        person = make.subscriber(session, score=-(10**12)).id
        confirm(session, person, 1)
    with transaction() as session:
        assert tier_of(session, person) == "New"


def test_scores_fade_into_lower_tiers_as_days_go_by() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        confirm(session, person, 2)
        clock = session.get_one(ScoreClock, 1)
        decay = Decay(clock.half_life_days, clock.landmark_day)
        for days, tier in [(30, "Reader"), (60, "Reader"), (120, "New")]:
            change_tiers(session, decay, NOW + timedelta(days=days))
            assert tier_of(session, person) == tier, days


def test_the_tiers_of_all_are_set_by_a_fixed_number_of_statements() -> None:
    with transaction() as session:
        for _ in range(30):
            make.subscriber(session, score=2000 * 2**20)
    statements: list[str] = []
    engine = database().engine

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    sa_event.listen(engine, "before_cursor_execute", count)
    keep_scores()
    sa_event.remove(engine, "before_cursor_execute", count)

    with transaction() as session:
        assert tier_sizes(session)[session.scalar(select(Tier.id).where(Tier.name == "Reader"))] == 30
    assert len(statements) < 25


def test_a_preview_says_who_would_move_and_writes_nothing() -> None:
    with transaction() as session:
        for times in (1, 2, 2, 5):
            confirm(session, make.subscriber(session).id, times)
    with transaction() as session:
        plan = plan_now(session)
        tiers = [tier.model_dump() for tier in plan.tiers]
        tiers[1]["threshold"] = 30
        events = session.scalar(select(func.count()).select_from(Event))

        seen = preview(session, changed(plan, tiers=tiers), NOW)

        assert seen
        assert (seen.rising, seen.falling, seen.sizes) == (0, 2, (3, 0, 1, 0))
        assert session.scalar(select(func.count()).select_from(Event)) == events


def test_a_preview_of_other_points_is_what_saving_them_does() -> None:
    with transaction() as session:
        for times, ago in [(1, 0), (2, 0), (2, 300), (5, 10)]:
            confirm(session, make.subscriber(session).id, times, ago)
    with transaction() as session:
        plan = changed(plan_now(session), rules=[{"kind": "confirmed", "points": "30"}], half_life_days=90)
        seen = preview(session, plan, NOW)
        save_plan(session, plan, NOW)

    keep_scores()

    with transaction() as session:
        sizes = tier_sizes(session)
        assert seen
        assert tuple(sizes.get(tier.id, 0) for tier in plan.tiers) == seen.sizes
        assert seen.rising > 0


def test_a_removed_tier_gives_its_people_to_the_others() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        confirm(session, person, 5)
    with transaction() as session:
        plan = plan_now(session)
        save_plan(session, changed(plan, tiers=[t.model_dump() for t in plan.tiers if t.name != "Regular"]), NOW)
    with transaction() as session:
        assert tier_of(session, person) == "Reader"


def test_taking_a_plan_back_brings_back_its_tiers_with_their_ids() -> None:
    with transaction() as session:
        plan = plan_now(session)
        fewer = changed(plan, tiers=[t.model_dump() for t in plan.tiers if t.name != "Regular"])
        before = save_plan(session, fewer, NOW)
        assert plan_now(session) != plan
        save_plan(session, before, NOW, taking_back=True)
    with transaction() as session:
        assert plan_now(session) == plan


def test_two_tiers_may_swap_their_names() -> None:
    with transaction() as session:
        tiers = [tier.model_dump() for tier in plan_now(session).tiers]
        tiers[1]["name"], tiers[2]["name"] = tiers[2]["name"], tiers[1]["name"]
        save_plan(session, changed(plan_now(session), tiers=tiers), NOW)
    with transaction() as session:
        assert [tier.name for tier in plan_now(session).tiers] == ["New", "Regular", "Reader", "Loyal"]


def test_new_names_of_tiers_want_no_rebuild_but_new_points_do() -> None:
    with transaction() as session:
        plan = plan_now(session)
        tiers = [{**tier.model_dump(), "name": tier.name + "!"} for tier in plan.tiers]
        save_plan(session, changed(plan, tiers=tiers), NOW)
        assert session.get_one(ScoreClock, 1).rebuild_wanted_at is None
        save_plan(session, changed(plan_now(session), half_life_days=30), NOW)
        session.expire_all()
        clock = session.get_one(ScoreClock, 1)
        assert clock.rebuild_wanted_at is not None
        assert (clock.half_life_days, clock.wanted_half_life_days) == (180, 30)


TIER = {"name": "New", "threshold": 0}
SCORE = {"name": "Engagement", "half_life_days": 180, "rules": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"half_life_days": 0},
        {"tiers": []},
        {"tiers": [{"name": "Low", "threshold": 5}]},
        {"tiers": [TIER, {"name": "new", "threshold": 5}]},
        {"tiers": [TIER, {"name": "Other", "threshold": 0}]},
        {"tiers": [{"name": " ", "threshold": 0}]},
        {"tiers": [{"name": "x" * 61, "threshold": 0}]},
        {"rules": [{"kind": "danced", "points": "1"}]},
        {"rules": [{"kind": "opened", "points": "1.234"}]},
        {"rules": [{"kind": "opened", "points": "NaN"}]},
        {"rules": [{"kind": "opened", "points": "1", "per_amount": "0"}]},
        {"rules": [{"kind": "opened", "points": "1", "per_day": 0}]},
        {"rules": [{"kind": "opened", "points": "1", "since": "2026-02-02", "until": "2026-02-01"}]},
        {"rules": [{"kind": "opened", "points": "1", "only": {"product": "1"}}]},
        {"rules": [{"kind": "purchased", "points": "1", "only": {"amount_at_least": "much"}}]},
        {"rules": [{"kind": "purchased", "points": "1", "only": {"product": "1 OR 1=1"}}]},
        {"rules": [{"kind": "clicked", "points": "1", "only": {"link": " "}}]},
        {"scores": []},
        {"scores": [SCORE, {**SCORE, "name": "engagement"}]},
        {"scores": [{**SCORE, "id": 2}]},
        {"margin_percent": 91},
        {"grace_days": -1},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_its_place(wrong: dict[str, Any]) -> None:
    score = {**SCORE, **{name: wrong[name] for name in ("half_life_days", "rules") if name in wrong}}
    wrong = {name: value for name, value in wrong.items() if name not in score}
    plan = {"scores": [score], "tiers": [TIER], **wrong}
    with pytest.raises(Invalid) as refused:
        read_plan(plan)
    assert refused.value.places


def test_a_tier_that_is_gone_cannot_be_saved() -> None:
    with transaction() as session:
        plan = changed(plan_now(session), tiers=[{**TIER, "id": 999}])
        with pytest.raises(Invalid):
            save_plan(session, plan, NOW)
        session.rollback()


def test_the_margin_keeps_people_from_flickering() -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        confirm(session, person, 2)
        decay = Decay(180, session.get_one(ScoreClock, 1).landmark_day)
        session.execute(update(Standing).values(score=decay.threshold(14, decay.landmark_day)))
        change_tiers(session, decay, NOW)
        assert tier_of(session, person) == "Reader"
