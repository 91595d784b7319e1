"""Stored scores are those of a plain reference to the last bit: any order, late, in any batches, after every change."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Session

from app.audiences.own_rows import one_by_one
from app.campaigns.models import Link
from app.db import database, transaction
from app.events.models import Event, Verdict
from app.events.record import happening, record
from app.feature import house
from app.scoring import rebuild as rebuilding
from app.scoring.defaults import defaults
from app.scoring.explain import explain_score
from app.scoring.jobs import keep_scores
from app.scoring.models import Score, ScoreClock, ScoreDraft
from app.scoring.plan import read_plan
from app.scoring.points import decay_of, score_clocks
from app.scoring.rebuild import rebuild, rebuild_step
from app.scoring.saving import current_plan, save_plan
from app.subscribers.erasing import erase
from app.subscribers.models import Standing
from segments.vocabulary import Happening
from tests import make
from tests.app.scoring import reference

pytestmark = pytest.mark.usefixtures("app")

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = int(TODAY.timestamp()) // 86_400
TARGETS = ("https://shop.example/cheese", "https://shop.example/Milk?x=100%", "https://blog.example/cheese")
PEOPLE = 3


@pytest.fixture(autouse=True)
def _world(app: object) -> None:
    with transaction() as session:
        defaults(session, TODAY)
        for _ in range(2):
            campaign = make.campaign(session).id
            session.add_all(Link(campaign_id=campaign, position=at, target=TARGETS[at]) for at in range(3))


RULES = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["clicked", "opened", "purchased", "confirmed"]),
            "points": st.integers(-20, 20),
        },
        optional={
            "per_day": st.integers(1, 3),
            "per_delivery": st.integers(1, 2),
            "since": st.integers(DAY - 4, DAY),
            "until": st.integers(DAY - 3, DAY + 1),
            "per_amount": st.integers(1, 20),
            "only": st.sampled_from(
                [{"amount_at_least": "30"}, {"product": "2"}, {"campaign": "1"}, {"link": "CHEESE"}, {"link": "100%"}]
            ),
        },
    ),
    max_size=5,
).map(lambda rules: [rule for rule in map(_sensible, rules) if rule])

HAPPENINGS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["clicked", "opened", "purchased", "confirmed"]),
            "whose": st.integers(0, PEOPLE - 1),
            # Few moments on few days, so that caps are reached and events are equal in time.
            "at": st.builds(lambda day, second: (DAY + day) * 86_400 + second, st.integers(-4, 1), st.integers(0, 2)),
            "verdict": st.sampled_from([None, "human", "human", "proxy", "scanner"]),
            "value": st.integers(-60, 60).map(lambda tens: tens * 100),
            "campaign": st.sampled_from([None, 1, 2]),
            "link": st.integers(0, 2),
            "product": st.integers(1, 2),
        }
    ),
    min_size=1,
    max_size=24,
)


def _sensible(rule: dict[str, Any]) -> dict[str, Any]:
    """Without what cannot be asked of its kind, and never ending before it begins."""
    if rule.get("only") and not house().score_conditions[next(iter(rule["only"]))].kinds >= {rule["kind"]}:
        rule = {name: value for name, value in rule.items() if name != "only"}
    if rule.get("since", 0) > rule.get("until", 10**9):
        rule = {name: value for name, value in rule.items() if name != "until"}
    return rule


def as_event(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the reference sees: an open and a click have no money, a purchase no link."""
    is_hit, is_purchase = given["kind"] in {"opened", "clicked"}, given["kind"] == "purchased"
    has_link = given["kind"] == "clicked" and given["campaign"]
    return {
        **given,
        "verdict": given["verdict"] if is_hit else None,
        "value": given["value"] if is_purchase else None,
        "product": given["product"] if is_purchase else None,
        "campaign": given["campaign"] if is_hit else None,
        "target": TARGETS[given["link"]] if has_link else None,
    }


def as_row(event: Mapping[str, Any], people: Sequence[int]) -> dict[str, Any]:
    return happening(
        house().kinds[event["kind"]],
        people[event["whose"]],
        datetime.fromtimestamp(event["at"], UTC),
        campaign_id=event["campaign"],
        link=event["link"] if event["target"] else None,
        value=event["value"],
        verdict=Verdict(event["verdict"]) if event["verdict"] else None,
        data={"product": event["product"]} if event["product"] else None,
    )


def as_json(rule: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: date(1970, 1, 1) + timedelta(rule[name]) for name in ("since", "until") if name in rule}
    return {**rule, **days}


def put_in_force(session: Session, *scores: Sequence[Mapping[str, Any]]) -> None:
    plan = current_plan(session)
    assert plan
    ids = [score.id for score in plan.scores] + [None] * len(scores)
    named = [
        {"id": key, "name": f"Score {at}", "half_life_days": 90 * (at + 1), "rules": [*map(as_json, rules)]}
        for at, (key, rules) in enumerate(zip(ids, scores, strict=False))
    ]
    save_plan(session, read_plan({**plan.model_dump(), "scores": named}), TODAY)


def fresh_people(session: Session) -> list[int]:
    session.execute(delete(Event))
    for table in (Score, ScoreDraft, Standing):
        session.execute(delete(table))
    return [make.subscriber(session, f"{uuid4().hex}@example.org").id for _ in range(PEOPLE)]


def stored(session: Session) -> dict[tuple[int, int], int]:
    """By clock and person."""
    found = {(1, person): score for person, score in session.execute(select(Standing.subscriber_id, Standing.score))}
    aside = session.execute(select(Score.clock_id, Score.subscriber_id, Score.total))
    return found | {(clock, person): total for clock, person, total in aside}


def expected(
    session: Session, people: Sequence[int], events: Sequence[Mapping[str, Any]], *scores: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, int], int]:
    found = {}
    for clock, rules in zip(score_clocks(session), scores, strict=True):
        for at, person in enumerate(people):
            mine = [event for event in events if event["whose"] == at]
            found[clock.id, person] = reference.total(rules, mine, decay_of(clock))
    return found


def agree(found: Mapping[tuple[int, int], int], wanted: Mapping[tuple[int, int], int]) -> bool:
    """Where there is no row, there is 0."""
    return all(found.get(key, 0) == wanted.get(key, 0) for key in {*found, *wanted})


def batches(rows: list[Any], sizes: Sequence[int]) -> Iterator[list[Any]]:
    for size in sizes:
        yield rows[:size]
        rows = rows[size:]
    yield rows


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=RULES,
    second=RULES,
    happened=HAPPENINGS,
    sizes=st.lists(st.integers(1, 6), max_size=5),
    erased=st.none() | st.integers(0, PEOPLE - 1),
    drafted=st.integers(0, 4),
)
def test_adding_is_rebuilding_is_the_reference(
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    happened: list[dict[str, Any]],
    sizes: list[int],
    erased: int | None,
    drafted: int,
) -> None:
    events = [as_event(each) for each in happened]
    with transaction() as session:
        people = fresh_people(session)
        put_in_force(session, first, second)
    keep_scores()

    for batch in batches(events, sizes):
        with transaction() as session:
            record(session, [as_row(each, people) for each in batch])
    with transaction() as session:
        assert agree(stored(session), expected(session, people, events, first, second))
        for person in people:
            for clock in score_clocks(session):
                explanation = explain_score(session, person, TODAY, clock.id)
                assert explanation
                assert explanation.agrees

    if erased is not None:
        with transaction() as session:
            erase(session, people[erased], TODAY)
            # What was bought is forgotten with who she was, so no rule can ask for it any more.
            events = [{**each, "product": None} if each["whose"] == erased else each for each in events]
            assert agree(stored(session), expected(session, people, events, first, second))

    # Other rules; while their sums are drafted stretch by stretch, half of it happens once more.
    with transaction() as session:
        put_in_force(session, second, first)
    again = events[: len(events) // 2]
    again = [{**each, "product": None} if each["whose"] == erased else each for each in again]
    rebuilt_while_events_come(again, people, drafted)
    events += again
    with transaction() as session:
        assert agree(stored(session), expected(session, people, events, second, first))
        rebuild(session, TODAY, people)
        assert agree(stored(session), expected(session, people, events, second, first))
        rebuild(session, TODAY)
        assert agree(stored(session), expected(session, people, events, second, first))
        assert session.scalar(select(ScoreDraft.subscriber_id).limit(1)) is None


MOMENTS = st.none() | st.builds(
    lambda day, second: (DAY + day) * 86_400 + second, st.integers(-4, 1), st.sampled_from([0, 1, 43_200])
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=RULES, second=RULES, happened=HAPPENINGS, since=MOMENTS, until=MOMENTS, limit=st.integers(-3000, 3000))
def test_what_was_earned_in_a_time_is_what_the_reference_says(
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    happened: list[dict[str, Any]],
    since: int | None,
    until: int | None,
    limit: int,
) -> None:
    """Also where a cap was used up before that time; nobody's total is NULL."""
    events = [as_event(each) for each in happened]
    with transaction() as session:
        people = fresh_people(session)
        put_in_force(session, first, second)
        record(session, [as_row(each, people) for each in events])
        vocabulary = house().vocabulary(session)
        asked = Happening(1, *(at if at is None else datetime.fromtimestamp(at, UTC) for at in (since, until)))
        for clock, rules in zip(score_clocks(session), (first, second), strict=True):
            word = vocabulary["points_in" if clock.id == 1 else f"points_in.{clock.id}"]
            mine = [[event for event in events if event["whose"] == at] for at in range(PEOPLE)]
            wanted = [reference.earned(rules, each, since, until) for each in mine]
            assert word.shows
            shown = select(Standing.subscriber_id, word.shows(asked))
            assert dict(session.execute(shown).all()) == dict(zip(people, wanted, strict=True))
            # Of whom nothing counted there is no total: `segments.where` asks the others there.
            zero = {person for person, total in zip(people, wanted, strict=True) if not total}
            enough = word.sql(asked, lambda total: total >= limit)
            for way in (enough, one_by_one(enough)):
                found = set(session.scalars(select(Standing.subscriber_id).where(way)))
                passing = {each for each, total in zip(people, wanted, strict=True) if total >= limit}
                assert found | zero == passing | zero


def rebuilt_while_events_come(events: Sequence[Mapping[str, Any]], people: Sequence[int], drafted: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding, "STRETCH", 1)
        for _ in range(drafted):
            with transaction() as session:
                due = [clock for clock in score_clocks(session, changing=True) if clock.rebuild_wanted_at]
                if due:
                    rebuild_step(session, due[0], TODAY)
        with transaction() as session:
            record(session, [as_row(each, people) for each in events])
            # In the decay in force, by rules that are not in force yet.
            rebuild(session, TODAY, people[:1])
        keep_scores()


def test_the_order_of_arrival_does_not_matter_to_a_capped_rule() -> None:
    rules = [{"kind": "purchased", "points": 1, "per_amount": 1, "per_day": 2}]
    moments = [(0, 500), (0, 300), (0, 900), (1, 100), (2, 200)]
    events = [
        {"kind": "purchased", "at": DAY * 86_400 + second, "value": value, "whose": 0, "verdict": None}
        | {"campaign": None, "link": 0, "target": None, "product": 1}
        for second, value in moments
    ]
    found = set()
    for seed in range(6):
        shuffled = random.Random(seed).sample(events, len(events))
        with transaction() as session:
            people = fresh_people(session)
            put_in_force(session, rules)
        keep_scores()
        for event in shuffled:
            with transaction() as session:
                record(session, [as_row(event, people)])
        with transaction() as session:
            found.add(stored(session)[1, people[0]])
            clock = session.get_one(ScoreClock, 1)
            assert found == {(2 * 100 + 300 + 500) * decay_of(clock).factor(DAY)}


def test_rules_without_caps_and_conditions_ask_the_database_nothing_about_events() -> None:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    with transaction() as session:
        person = make.subscriber(session).id
        row = happening(house().kinds["confirmed"], person, TODAY)
        sa_event.listen(database().engine, "before_cursor_execute", note)
        record(session, [row])
        sa_event.remove(database().engine, "before_cursor_execute", note)
    # The next id is asked by whoever writes the event.
    asked = [each for each in statements if "FROM event" in each and "max(event.id)" not in each]
    assert asked == []
