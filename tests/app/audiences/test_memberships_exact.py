"""Memberships are those of a plain reference, whatever comes late, in batches, or between two refreshes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.audiences.jobs import refresh_noted
from app.audiences.models import LASTS, Marks, Membership, Segment, SegmentVersion
from app.audiences.refresh import refresh_all, refresh_touched
from app.audiences.segment import create
from app.db import reading, transaction
from app.events.models import Verdict
from app.events.record import happening, record
from app.feature import house
from app.subscribers.erasing import erase
from app.subscribers.models import Standing
from tests import make

pytestmark = pytest.mark.usefixtures("app")

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = 3

Person = dict[str, Any]
# What each rule says of a plain person; days are whole days in Berlin, which is an hour ahead of UTC in winter.
RULES: list[tuple[dict[str, Any], Callable[[Person, datetime], bool]]] = [
    ({"field": "country", "op": "is", "value": "DE"}, lambda one, _: one["country"] == "DE"),
    ({"field": "clicks", "op": "at_least", "value": 2}, lambda one, _: len(one["clicks"]) >= 2),
    (
        {"field": "last_clicked", "op": "within_days", "value": 2},
        lambda one, now: any(0 <= (berlin(now) - berlin(at)).days <= 2 for at in one["clicks"]),
    ),
    (
        {"field": "clicked", "op": "not_happened", "value": {"days": 3, "at_least": 2}},
        lambda one, now: sum((berlin(now) - berlin(at)).days <= 3 for at in one["clicks"]) < 2,
    ),
    (
        {
            "any": [
                {"field": "tags", "op": "has_none", "value": ["vip"]},
                {"field": "clicks", "op": "equals", "value": 1},
            ]
        },
        lambda one, _: True,
    ),
    (
        {
            "any": [
                {
                    "all": [
                        {"field": "last_name", "op": "is", "value": "fair"},
                        {"not": {"field": "orders", "op": "at_least", "value": 1}},
                    ]
                },
                {"field": "first_name", "op": "is_empty"},
            ]
        },
        lambda one, _: one["name"] == "fair",
    ),
    (
        {
            "all": [
                {"field": "last_name", "op": "is_not", "value": "fair"},
                {"field": "status", "op": "is_not", "value": "pending"},
            ]
        },
        lambda one, _: one["name"] != "fair",
    ),
]

ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("click"), st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 5)), min_size=1, max_size=4)
        ),
        st.tuples(st.just("move"), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("erase"), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("look at all"), st.booleans()),
        st.tuples(st.just("work"), st.none()),
    ),
    max_size=14,
)


def berlin(moment: datetime) -> Any:
    return (moment + timedelta(hours=1)).date()


class Reference:
    """People as dicts and intervals as lists; looks at people when the product must have looked."""

    def __init__(self) -> None:
        self.people: list[Person] = [
            {"country": "DE" if n else "AT", "name": "fair" if n == 1 else None, "clicks": [], "erased": False}
            for n in range(PEOPLE)
        ]
        self.open: dict[tuple[int, int], datetime] = {}
        self.closed: set[tuple[int, int, datetime, datetime]] = set()
        self.noted: set[int] = set()

    def look(self, people: set[int], now: datetime) -> None:
        for person in people:
            one = self.people[person]
            for rule, (_json, holds) in enumerate(RULES):
                is_in, key = not one["erased"] and holds(one, now), (rule, person)
                if is_in:
                    self.open.setdefault(key, now)
                elif key in self.open:
                    joined = self.open.pop(key)
                    if joined < now:
                        self.closed.add((*key, joined, now))

    def intervals(self) -> set[tuple[int, int, datetime, datetime]]:
        return self.closed | {(*key, joined, LASTS) for key, joined in self.open.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, at_once=st.sampled_from([0, 1, 50]))
def test_intervals_are_those_of_the_reference(actions: list[tuple[str, Any]], at_once: int) -> None:
    known = Reference()
    now = START
    with transaction() as session:
        people, rules = fresh(session)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.audiences.AT_ONCE", at_once)
        for verb, what in [("look at all", True), *actions, ("work", None), ("look at all", False)]:
            now += timedelta(hours=17)
            patch.setattr("app.audiences.utc_now", lambda now=now: now)
            patch.setattr("app.audiences.jobs.utc_now", lambda now=now: now)
            act(known, people, verb, what, now, at_once)

    with transaction() as session:
        found = session.execute(
            select(Membership.segment_id, Membership.subscriber_id, Membership.joined_at, Membership.left_at)
        )
        assert {
            (rules.index(segment), people.index(person), joined, left) for segment, person, joined, left in found
        } == known.intervals()
        lasting = select(Membership.segment_id, Membership.subscriber_id).where(Membership.left_at == LASTS)
        before = set(map(tuple, session.execute(lasting)))
        session.execute(delete(Membership))
        session.execute(delete(Marks))
        refresh_all(session, now)
        assert set(map(tuple, session.execute(lasting))) == before


def act(known: Reference, people: list[int], verb: str, what: Any, now: datetime, at_once: int) -> None:
    if verb == "work":
        refresh_noted()
        known.look(known.noted, now)
        known.noted = set()
        return
    with transaction() as session:
        match verb:
            case "click":
                click = house().kinds["clicked"]
                moments = [(whose, now - timedelta(days=late)) for whose, late in what]
                rows = [happening(click, people[whose], at, verdict=Verdict.HUMAN) for whose, at in moments]
                record(session, rows)
                for whose, at in moments:
                    known.people[whose]["clicks"].append(at)
                touched(known, {whose for whose, _at in moments}, now, at_once)
            case "move":
                country = "AT" if known.people[what]["country"] == "DE" else "DE"
                if not known.people[what]["erased"]:
                    known.people[what]["country"] = country
                    hers = update(Standing).where(Standing.subscriber_id == people[what])
                    session.execute(hers.values(country=country))
                refresh_touched(session, [people[what]], now)
                known.look({what}, now)
            case "erase":
                if erase(session, people[what], now):
                    known.people[what] |= {"erased": True, "country": None}
                    touched(known, {what}, now, at_once)
            case "look at all":
                with reading() as beside:
                    refresh_all(session, now, beside if what else None)
                known.look(set(range(PEOPLE)), now)


def touched(known: Reference, whom: set[int], now: datetime, at_once: int) -> None:
    if len(whom) <= at_once:
        known.look(whom, now)
    else:
        known.noted |= whom


def fresh(session: Session) -> tuple[list[int], list[int]]:
    for table in (Membership, Marks, SegmentVersion, Segment):
        session.execute(delete(table))
    given = [{"country": one["country"], "last_name": one["name"]} for one in Reference().people]
    people = [make.subscriber(session, f"{uuid4().hex}@example.org", **each).id for each in given]
    session.execute(delete(Standing).where(Standing.subscriber_id.not_in(people)))
    rules = [create(session, f"Rule {n}", rule, START).id for n, (rule, _holds) in enumerate(RULES)]
    return people, rules
