"""Memberships: who joins and leaves as events come and days go by; who was in a segment when."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import func, select, true, update
from sqlalchemy.orm import Session

from app.audiences.history import members_at, sizes
from app.audiences.models import LASTS, Marks, Membership, Segment
from app.audiences.reading import Reader
from app.audiences.refresh import refresh_all, refresh_touched
from app.audiences.scan import SHEET
from app.audiences.segment import archive, change, restore
from app.db import database, reading, transaction
from app.subscribers.models import Standing, Status, SubscriberTag, Tag
from tests import make

pytestmark = pytest.mark.usefixtures("app")

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 3))
GERMANY = {"all": [{"field": "country", "op": "is", "value": "DE"}]}
AUSTRIA = {"all": [{"field": "country", "op": "is", "value": "AT"}]}


def move(session: Session, person: int, **values: Any) -> None:
    session.execute(update(Standing).where(Standing.subscriber_id == person).values(**values))


def members(session: Session, segment: int, moment: datetime = THURSDAY) -> set[int]:
    return set(session.scalars(members_at(segment, moment)))


def intervals(session: Session, segment: int) -> Sequence[Any]:
    found = select(Membership.subscriber_id, Membership.joined_at, Membership.left_at)
    return session.execute(found.where(Membership.segment_id == segment).order_by(Membership.joined_at)).all()


@pytest.mark.parametrize("many", [0, 1_000])
def test_many_people_are_looked_at_among_everybody(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audiences.refresh.MANY", many)
    with transaction() as session:
        anna, berta, carla = (make.subscriber(session, country="AT").id for _ in range(3))
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        session.execute(update(Standing).values(country="DE"))
        refresh_touched(session, [anna, berta], TUESDAY)
        # To scan everybody is less work than to look two of three up, and shows the third as well.
        assert members(session, segment) == ({anna, berta} if many else {anna, berta, carla})


def test_half_of_everybody_is_asked_on_a_second_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more of them move than go through Python at a time."""
    monkeypatch.setattr("app.audiences.moved._BATCH", 2)
    pressed = {"all": [{"field": "tags", "op": "has_any", "value": ["press"]}]}
    with transaction() as session:
        people = [make.subscriber(session, country="DE" if n % 3 else "AT").id for n in range(12)]
        tag = Tag(name="press")
        session.add(tag)
        session.flush()
        session.add_all(SubscriberTag(tag_id=tag.id, subscriber_id=person) for person in people[::2])
        german, press = make.segment(session, GERMANY).id, make.segment(session, pressed, "Press").id
    seen: list[tuple[int, str]] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append((id(cursor.connection), statement))

    sa_event.listen(database().engine, "before_cursor_execute", note)
    for now in (MONDAY, TUESDAY):
        with transaction() as session, reading() as beside:
            refresh_all(session, now, beside)
    sa_event.remove(database().engine, "before_cursor_execute", note)
    with transaction() as session:
        assert members(session, german) == {person for n, person in enumerate(people) if n % 3}
        assert members(session, press) == set(people[::2])
        assert {row.joined_at for row in (*intervals(session, german), *intervals(session, press))} == {MONDAY}
    assert len({connection for connection, statement in seen if "subscriber_tag" in statement}) == 2


def test_people_join_leave_and_come_back() -> None:
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        make.subscriber(session, country="FR")
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        move(session, anna, country="AT")
        refresh_touched(session, [anna], TUESDAY)
        move(session, anna, country="DE")
        refresh_all(session, WEDNESDAY)
    with transaction() as session:
        assert [tuple(row) for row in intervals(session, segment)] == [
            (anna, MONDAY, TUESDAY),
            (anna, WEDNESDAY, LASTS),
        ]
        assert members(session, segment, MONDAY + timedelta(hours=1)) == {anna}
        assert members(session, segment, TUESDAY + timedelta(hours=1)) == set()
        assert members(session, segment, THURSDAY) == {anna}


def test_who_leaves_in_the_second_of_joining_was_never_in() -> None:
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        segment = make.segment(session, GERMANY).id
        for country in ("DE", "AT", "DE", "AT"):
            move(session, anna, country=country)
            refresh_all(session, MONDAY)
        assert intervals(session, segment) == []


def test_a_second_refresh_writes_nothing() -> None:
    with transaction() as session:
        make.subscriber(session, country="DE")
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        before = [tuple(row) for row in intervals(session, segment)]
        refresh_all(session, TUESDAY)
        assert [tuple(row) for row in intervals(session, segment)] == before
        assert session.scalar(select(Segment.refreshed_at)) == TUESDAY


def test_only_active_people_are_in_a_segment_unless_its_rule_speaks_of_the_status() -> None:
    with transaction() as session:
        people = {status: make.subscriber(session, country="DE", status=status).id for status in Status}
        everybody = make.segment(session, {"all": []}, "Everybody").id
        left = make.segment(
            session, {"not": {"any": [{"field": "status", "op": "is", "value": "active"}]}}, "Not active"
        ).id
        refresh_all(session, MONDAY)
        assert members(session, everybody) == {people[Status.ACTIVE]}
        assert members(session, left) == set(people.values()) - {people[Status.ACTIVE], people[Status.ERASED]}


def test_more_segments_than_fit_on_one_sheet_are_kept_apart() -> None:
    with transaction() as session:
        german, austrian = (make.subscriber(session, country=country).id for country in ("DE", "AT"))
        rules = [GERMANY if number % 3 else AUSTRIA for number in range(2 * SHEET + 3)]
        ids = [make.segment(session, rule, f"Segment {number}").id for number, rule in enumerate(rules)]
        refresh_all(session, MONDAY)
        for segment, rule in zip(ids, rules, strict=True):
            assert members(session, segment) == {german if rule is GERMANY else austrian}
        assert session.scalar(select(func.count()).select_from(Marks)) == 2 * 3


def test_rules_about_other_segments_are_looked_at_after_these(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain whose last link was made first: one look settles all of it."""
    plain = Reader.parts

    def parts(words: Reader, data: Any) -> Any:
        if "in" not in data:
            return plain(words, data)
        inside = (Membership.subscriber_id == Standing.subscriber_id, Membership.left_at == LASTS)
        return true(), select(Membership.segment_id).where(*inside, Membership.segment_id == data["in"]).exists()

    monkeypatch.setattr(Reader, "parts", parts)
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        last, middle, first = (make.segment(session, GERMANY, name) for name in ("Last", "Middle", "First"))
        last.rule, middle.rule = {"in": middle.id}, {"in": first.id}
        refresh_all(session, MONDAY)
        assert [members(session, each.id) for each in (first, middle, last)] == [{anna}] * 3
        move(session, anna, country="AT")
        refresh_touched(session, [anna], TUESDAY)
        assert [members(session, each.id) for each in (first, middle, last)] == [set()] * 3


def test_more_values_than_one_statement_can_bind_take_several_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audiences.scan.BOUND", 10)
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        ids = [make.segment(session, GERMANY if n % 2 else AUSTRIA, f"Segment {n}").id for n in range(6)]
        refresh_all(session, MONDAY)
        assert [members(session, each) for each in ids] == [set(), {anna}] * 3


def test_an_archived_segment_is_left_by_all_and_its_place_is_used_again() -> None:
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        old, kept = make.segment(session, GERMANY, "Old").id, make.segment(session, GERMANY, "Kept").id
        refresh_all(session, MONDAY)
        archive(session, old, TUESDAY)
        refresh_all(session, TUESDAY)
        new = make.segment(session, AUSTRIA, "New").id
        refresh_all(session, WEDNESDAY)
    with transaction() as session:
        assert members(session, old, MONDAY) == {anna}
        assert members(session, old) == set()
        assert members(session, kept) == {anna}
        assert members(session, new) == set()
        assert session.get_one(Segment, new).slot == 0


def test_a_restored_segment_fills_again() -> None:
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        archive(session, segment, TUESDAY)
        refresh_all(session, TUESDAY)
        assert restore(session, segment)
        refresh_all(session, WEDNESDAY)
    with transaction() as session:
        assert members(session, segment) == {anna}
        assert session.get_one(Segment, segment).size == 1


def test_a_changed_rule_moves_people_from_now_on() -> None:
    with transaction() as session:
        anna, berta = (make.subscriber(session, country=country).id for country in ("DE", "AT"))
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        change(session, segment, "Austrians", AUSTRIA, TUESDAY)
        refresh_all(session, TUESDAY)
    with transaction() as session:
        assert members(session, segment, MONDAY) == {anna}
        assert members(session, segment) == {berta}


def test_a_rule_that_cannot_be_read_any_more_leaves_its_members_as_they_were() -> None:
    with transaction() as session:
        anna = make.subscriber(session, country="DE").id
        broken, sound = make.segment(session, GERMANY, "Broken").id, make.segment(session, GERMANY, "Sound").id
        refresh_all(session, MONDAY)
        rule = {"all": [{"field": "custom.gone", "op": "is", "value": "x"}]}
        session.execute(update(Segment).where(Segment.id == broken).values(rule=rule))
        move(session, anna, country="AT")
        refresh_touched(session, [anna], TUESDAY)
        refresh_all(session, WEDNESDAY)
        assert members(session, broken) == {anna}
        assert members(session, sound) == set()


def test_the_statements_do_not_grow_with_the_people() -> None:
    def statements(people: int) -> int:
        seen: list[str] = []

        def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            seen.append(statement)

        with transaction() as session:
            for _ in range(people):
                make.subscriber(session, country="DE")
        sa_event.listen(database().engine, "before_cursor_execute", count)
        with transaction() as session:
            refresh_all(session, MONDAY)
        sa_event.remove(database().engine, "before_cursor_execute", count)
        return len(seen)

    with transaction() as session:
        make.segment(session, GERMANY)
    statements(1)
    assert statements(2) == statements(40)


def test_sizes_over_time_are_read_from_the_intervals() -> None:
    with transaction() as session:
        people = [make.subscriber(session, country="DE").id for _ in range(5)]
        segment = make.segment(session, GERMANY).id
        refresh_all(session, MONDAY)
        for person in people[:2]:
            move(session, person, country="AT")
        refresh_all(session, TUESDAY)
        move(session, people[0], country="DE")
        refresh_all(session, WEDNESDAY)
        days = [MONDAY - timedelta(days=1), TUESDAY - timedelta(hours=1), WEDNESDAY - timedelta(hours=1), THURSDAY]
        assert sizes(session, segment, days) == [0, 5, 3, 4]
