"""Histories worked out afterwards: whom a rule would have meant is whom it meant, asked day by day meanwhile."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audiences.backfill import backfill_step, waiting_backfill, want_backfill
from app.audiences.jobs import work_out_histories
from app.audiences.models import Backfill, BackfilledMembership, Segment
from app.audiences.reading import Reader, reader
from app.audiences.segment import change, create, version_at, versions
from app.audiences.then import members_then, without_history
from app.db import transaction
from app.errors import Invalid
from app.events.models import Verdict
from app.events.record import happening, record
from app.feature import house
from app.scoring.defaults import defaults
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import ScoreClock, ScoreRule, Tier
from app.scoring.tiers import all_tiers
from app.shop.orders import NewOrder, take_orders
from app.subscribers.models import Standing
from app.surveys.answers import NewAnswer, take_answers
from segments.score import day_of
from tests import make

pytestmark = pytest.mark.usefixtures("app")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST = NOW - timedelta(days=11)
RULES: list[dict[str, Any]] = [
    {"field": "clicked", "op": "happened", "value": {"at_least": 2, "days": 4}},
    {"field": "opened", "op": "not_happened", "value": {"days": 2}},
    {"field": "opens", "op": "at_least", "value": 3},
    {"field": "last_clicked", "op": "within_days", "value": 3},
    {"field": "spent", "op": "at_least", "value": 40},
    {
        "all": [
            {"field": "orders", "op": "equals", "value": 0},
            {"not": {"field": "clicks", "op": "equals", "value": 0}},
        ]
    },
    {
        "any": [
            {"field": "last_order_at", "op": "not_within_days", "value": 3},
            {"field": "joined", "op": "within_days", "value": 5},
        ]
    },
    {"field": "score", "op": "at_least", "value": 6},
    {"field": "score.2", "op": "at_least", "value": 25},
    {"not": {"field": "score.2", "op": "at_least", "value": 1}},
    {"field": "value_class", "op": "is_any_of", "value": ["promising", "loyal"]},
    {"field": "nps_group", "op": "is_any_of", "value": ["promoter", "passive"]},
    {
        "all": [
            {"field": "last_answered", "op": "within_days", "value": 4},
            {"field": "nps", "op": "less_than", "value": 7},
        ]
    },
    {"field": "answered", "op": "happened", "value": {"at_least": 2, "days": 5}},
]


def happened(people: list[int]) -> list[tuple[datetime, str, int, Any]]:
    dice = random.Random(7)
    found = []
    for number in range(160):
        at = FIRST + timedelta(seconds=dice.randrange(11 * 86_400))
        kind = dice.choice(["opened", "opened", "clicked", "purchased", "answered"])
        verdict = dice.choice([Verdict.HUMAN, Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER])
        amount = dice.randrange(-1000, 4000)
        found.append((at, kind, dice.choice(people), number, verdict, amount))
    return sorted(found)  # type: ignore[return-value]


def do(session: Session, each: Any) -> None:
    at, kind, person, number, verdict, amount = each
    if kind == "purchased":
        take_orders(session, [NewOrder(f"o{number}", person, at, amount)])
    elif kind == "answered":
        take_answers(session, [NewAnswer(person, number % 11, at)])
    else:
        record(session, [happening(house().kinds[kind], person, at, verdict=verdict)])


def mornings() -> Iterator[datetime]:
    """Midnights in Berlin, where it is winter."""
    yield from (datetime(2026, 11, 9 + day, 23, tzinfo=UTC) for day in range(10))


def test_what_is_worked_out_is_what_the_rule_said_as_things_happened() -> None:
    with transaction() as session:
        defaults(session, NOW)
        _add_purchase_score(session)
        people = [
            make.subscriber(session, created_at=FIRST + timedelta(days=n % 7), confirmed_at=None).id for n in range(8)
        ]
        rules = [create(session, f"Rule {n}", rule, NOW).id for n, rule in enumerate(RULES)]
    known: dict[tuple[int, datetime], set[int]] = {}
    waiting = happened(people)
    for morning in mornings():
        with transaction() as session:
            while waiting and waiting[0][0] < morning:
                do(session, waiting.pop(0))
            words = reader(session, morning)
            for segment, rule in zip(rules, RULES, strict=True):
                found = select(Standing.subscriber_id).where(words.people(rule), Standing.created_at < morning)
                known[segment, morning] = set(session.scalars(found))
    with transaction() as session:
        for each in waiting:
            do(session, each)
        for segment in rules:
            want_backfill(session, segment, 10, NOW)
    work_out_histories()

    with transaction() as session:
        for (segment, morning), members in known.items():
            assert set(session.scalars(backfilled(segment, morning))) == members, (segment, morning)
        assert any(known.values())
        assert all(order.finished_at for order in session.scalars(select(Backfill)))
        assert not session.scalar(select(BackfilledMembership.left_at).where(BackfilledMembership.left_at > NOW))


def _add_purchase_score(session: Session) -> None:
    """Score 2: a point per euro spent, and no other."""
    days = {"half_life_days": 5, "wanted_half_life_days": 5, "landmark_day": day_of(int(NOW.timestamp()))}
    session.add(ScoreClock(id=2, name="Purchases", **days))
    session.flush()
    session.add(ScoreRule(clock_id=2, kind="purchased", points=0, per_amount=100, conditions={}))


def backfilled(segment: int, moment: datetime) -> Any:
    held = (BackfilledMembership.joined_at <= moment, BackfilledMembership.left_at > moment)
    return select(BackfilledMembership.subscriber_id).where(BackfilledMembership.segment_id == segment, *held)


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ({"field": "country", "op": "is", "value": "DE"}, "country"),
        ({"field": "tags", "op": "has_any", "value": ["vip"]}, "tags"),
        ({"field": "devices", "op": "has_any", "value": ["mobile"]}, "devices"),
        ({"field": "status", "op": "is", "value": "active"}, "status"),
        ({"field": "first_name", "op": "is", "value": "Anna"}, "first name"),
    ],
)
def test_a_word_whose_past_is_not_known_is_named(rule: dict[str, Any], unknown: str) -> None:
    with transaction() as session:
        defaults(session, NOW)
        clicks = {"field": "clicks", "op": "at_least", "value": 1}
        (said,) = without_history(reader(session, NOW), {"all": [clicks, rule]}, "en")
        assert said.startswith(unknown)
        segment = make.segment(session, {"all": [rule]}).id
        with pytest.raises(Invalid, match=unknown):
            want_backfill(session, segment, 10, NOW)


def test_a_changed_rule_is_a_new_version_and_old_work_on_it_is_dropped() -> None:
    with transaction() as session:
        segment = create(session, "Clickers", {"all": [RULES[2]]}, FIRST)
        want_backfill(session, segment.id, 5, NOW)
        change(session, segment.id, "Clickers", {"all": [RULES[2]]}, NOW)
        assert [each.number for each in versions(session, segment)] == [1]
        change(session, segment.id, "Buyers", {"all": [RULES[4]]}, NOW)
    with transaction() as session:
        segment = session.get_one(Segment, segment.id)
        assert [each.number for each in versions(session, segment)] == [1, 2]
        then = version_at(session, segment, NOW - timedelta(days=1))
        assert then
        assert then.rule == {"all": [RULES[2]]}
        assert version_at(session, segment, FIRST - timedelta(days=1)) is None
        order = waiting_backfill(session)
        assert order
        backfill_step(session, order, NOW)
        assert waiting_backfill(session) is None


def test_a_tier_was_had_from_one_change_to_the_next() -> None:
    with transaction() as session:
        defaults(session, NOW)
        lowest, _, regular, loyal = all_tiers(session)
        stays, rises = (make.subscriber(session, created_at=FIRST).id for _ in range(2))
        changes = ((3, lowest, loyal), (6, loyal, regular))
        days = [FIRST + timedelta(days=after) for after, _old, _new in changes]
        data = [{"from_id": old.id, "to_id": new.id} for _after, old, new in changes]
        record(session, [happening(TIER_CHANGED, rises, at, data=said) for at, said in zip(days, data, strict=True)])
        words = reader(session, NOW)

        def had(tier: Tier, after: int) -> set[int]:
            then = Reader(words.vocabulary, FIRST + timedelta(days=after, hours=1), words.zone)
            rule = {"field": "tier", "op": "is", "value": str(tier.id)}
            return set(session.scalars(members_then(session, then, rule)))

        assert had(lowest, 1) == {stays, rises}
        assert had(loyal, 3) == {rises}
        assert had(lowest, 3) == {stays}
        assert had(regular, 9) == {rises}
        assert had(loyal, 9) == set()
