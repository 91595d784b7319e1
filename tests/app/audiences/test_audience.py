"""Whom a campaign reaches, why others are not reached, and why somebody is in a segment or not."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.audiences.audience import Breakdown, audience, breakdown
from app.audiences.count import count, sample
from app.audiences.explain import explain
from app.audiences.models import Segment
from app.audiences.reading import reader
from app.audiences.segment import archive, change, create, current_segments, find, restore
from app.db import transaction
from app.errors import Conflict, Invalid, NotFound
from app.subscribers.models import Status, SubscriberTag, Subscription, Suppression, SuppressionReason, Tag
from segments.rule import RuleError
from tests import make

pytestmark = pytest.mark.usefixtures("app")

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
GERMANY = {"field": "country", "op": "is", "value": "DE"}
ENGLISH = {"field": "language", "op": "is", "value": "en"}
GONE = {"field": "custom.gone", "op": "is", "value": "x"}


def reached(
    session: Session, included: list[int] | None = None, excluded: list[int] | None = None, topic: int | None = None
) -> set[int]:
    return set(session.scalars(audience(session, included or [], excluded or [], topic, NOW)))


def test_without_segments_every_active_person_is_reached() -> None:
    with transaction() as session:
        people = {status: make.subscriber(session, status=status).id for status in Status}
        assert reached(session) == {people[Status.ACTIVE]}


def test_people_of_any_included_segment_are_reached_unless_excluded() -> None:
    with transaction() as session:
        german = make.subscriber(session, country="DE", language="de").id
        briton = make.subscriber(session, country="GB", language="en").id
        both = make.subscriber(session, country="DE", language="en").id
        make.subscriber(session, country="FR", language="fr")
        germany, english = make.segment(session, GERMANY, "DE").id, make.segment(session, ENGLISH, "en").id
        assert reached(session, [germany, english]) == {german, briton, both}
        assert reached(session, [germany], [english]) == {german}


def test_a_topic_reaches_those_who_are_subscribed_to_it_now() -> None:
    with transaction() as session:
        topic = make.topic(session).id
        lasting, ended = make.subscriber(session).id, make.subscriber(session).id
        make.subscriber(session)
        session.add(Subscription(topic_id=topic, subscriber_id=lasting, subscribed_at=NOW))
        session.add(Subscription(topic_id=topic, subscriber_id=ended, subscribed_at=NOW, ended_at=NOW))
        session.flush()
        assert reached(session, topic=topic) == {lasting}


def test_a_suppressed_address_is_never_reached() -> None:
    with transaction() as session:
        person = make.subscriber(session)
        reason = SuppressionReason.COMPLAINED
        session.add(Suppression(address_hash=person.address_hash, reason=reason, created_at=NOW))
        session.flush()
        assert reached(session) == set()


def test_a_segment_that_speaks_of_the_status_reaches_nobody_who_has_left() -> None:
    with transaction() as session:
        make.subscriber(session, status=Status.UNSUBSCRIBED)
        everybody = make.segment(
            session, {"field": "status", "op": "is_any_of", "value": ["active", "unsubscribed"]}
        ).id
        assert count(session, reader(session, NOW).people(find(session, everybody).rule)) == 1
        assert reached(session, [everybody]) == set()


def test_the_breakdown_counts_everybody_once() -> None:
    with transaction() as session:
        topic = make.topic(session).id
        people = [make.subscriber(session, country="DE") for _ in range(5)]
        make.subscriber(session, country="DE", status=Status.UNSUBSCRIBED)
        for person in people[:4]:
            session.add(Subscription(topic_id=topic, subscriber_id=person.id, subscribed_at=NOW))
        reason = SuppressionReason.BOUNCED
        session.add(Suppression(address_hash=people[0].address_hash, reason=reason, created_at=NOW))
        people[1].standing.language = "en"
        english = make.segment(session, ENGLISH, "en").id

        found = breakdown(session, [], [english], topic, NOW)

        assert found == Breakdown(6, inactive=1, without_topic=1, suppressed=1, excluded=1, audience=2)
        assert found.audience == len(reached(session, [], [english], topic))


@pytest.mark.parametrize("role", ["included", "excluded"])
def test_a_segment_that_cannot_be_read_is_refused_for_sending(role: str) -> None:
    with transaction() as session:
        segment = make.segment(session, GONE).id
        with pytest.raises(Conflict, match=r"custom\.gone"):
            audience(session, **{"included": [], "excluded": [], role: [segment]}, topic_id=None, now=NOW)


def test_a_segment_that_does_not_exist_is_refused() -> None:
    with transaction() as session, pytest.raises(NotFound):
        audience(session, [4711], [], None, NOW)


def test_the_sample_is_ten_of_those_who_are_counted() -> None:
    with transaction() as session:
        people = [make.subscriber(session, country="DE").id for _ in range(12)]
        make.subscriber(session, country="AT")
        meant = reader(session, NOW).people(GERMANY)
        assert count(session, meant) == 12
        assert [person.id for person in sample(session, meant, 12)] == people[:1:-1]


@pytest.mark.parametrize("are_spread", [True, False])
def test_a_sample_of_many_looks_at_the_newest_first(*, are_spread: bool) -> None:
    tagged = {"field": "tags", "op": "has_any", "value": ["press"]}
    with transaction() as session:
        people = [make.subscriber(session, country="DE") for _ in range(60)]
        chosen = people[::3] if are_spread else people[:20]
        press = Tag(name="press")
        session.add(press)
        session.flush()
        session.add_all(SubscriberTag(tag_id=press.id, subscriber_id=each.id) for each in chosen)
        session.flush()
        meant = reader(session, NOW).people(tagged)
        newest = [each.id for each in chosen[::-1]]
        assert [person.id for person in sample(session, meant, 20, 2)] == newest[:2]
        assert [person.id for person in sample(session, meant, 20)] == newest[:10]


def test_an_explanation_judges_every_part_of_the_rule() -> None:
    rule = {"all": [GERMANY, {"not": {"any": [ENGLISH, {"field": "first_name", "op": "is", "value": "Anna"}]}}]}
    with transaction() as session:
        anna = make.subscriber(session, country="DE", language="de", first_name="Anna").id

        found = explain(session, reader(session, NOW), rule, anna, "en")

    assert not found.is_in
    assert found.counts
    german, not_any = found.judgement.parts
    assert (german.kind, german.holds) == ("condition", True)
    assert "country is Germany" in german.text
    (any_of,) = not_any.parts
    assert (not_any.holds, [part.holds for part in any_of.parts]) == (False, [False, True])


def test_an_explanation_says_that_somebody_is_not_active() -> None:
    with transaction() as session:
        person = make.subscriber(session, country="DE", status=Status.UNSUBSCRIBED).id
        found = explain(session, reader(session, NOW), GERMANY, person, "de")
        assert (found.is_in, found.counts, found.judgement.holds) == (False, False, True)
        with pytest.raises(NotFound):
            explain(session, reader(session, NOW), GERMANY, 4711, "en")


def test_a_segment_is_created_changed_archived_and_taken_back() -> None:
    with transaction() as session:
        segment = create(session, "  Germans ", {"all": [GERMANY]}, NOW)
        assert segment.name == "Germans"
        change(session, segment.id, "English readers", ENGLISH, NOW)
        assert find(session, segment.id).rule == ENGLISH
        assert archive(session, segment.id, NOW)
        assert not archive(session, segment.id, NOW)
        assert current_segments(session) == []
        assert restore(session, segment.id)
        assert [each.name for each in current_segments(session)] == ["English readers"]


@pytest.mark.parametrize(
    ("name", "rule", "place"),
    [
        ("", GERMANY, "name"),
        ("x" * 201, GERMANY, "name"),
        ("Taken", GERMANY, "name"),
        ("Good", {"all": [GERMANY, GONE]}, "rule.all[1].field"),
        ("Good", {"field": "country", "op": "is", "value": "Atlantis"}, "rule.value"),
        ("Good", "DROP TABLE", "rule"),
        ("Good", {"field": "country; --", "op": "is", "value": "DE"}, "rule.field"),
    ],
)
def test_a_segment_that_makes_no_sense_is_refused_with_its_place(name: str, rule: object, place: str) -> None:
    """S5"""
    with transaction() as session:
        create(session, "Taken", GERMANY, NOW)
        with pytest.raises(Invalid) as refused:
            create(session, name, rule, NOW)
        assert place in refused.value.places


def test_a_rule_of_a_deleted_field_is_a_problem_and_no_crash() -> None:
    with transaction() as session:
        segment = make.segment(session, GERMANY)
        session.execute(update(Segment).values(rule=GONE))
        session.refresh(segment)
        words = reader(session, NOW)
        problem = words.problem(segment.rule)
        assert problem
        assert "custom.gone" in problem.message("de")
        assert words.problem(GERMANY) is None
        with pytest.raises(RuleError):
            words.sentence(segment.rule, "en")
