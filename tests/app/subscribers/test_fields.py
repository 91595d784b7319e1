"""Each word that rules say of people means these people, on both databases."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.db import transaction
from app.feature import house
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind, Standing, Status, Subscriber, TrackingMode
from app.subscribers.topics import set_tags, subscribe
from segments.rule import parse
from segments.where import where
from tests import make

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def people(app: APIFlask) -> None:
    with transaction() as session:
        for key, kind in [
            ("plan", FieldKind.CHOICE),
            ("seats", FieldKind.NUMBER),
            ("paid", FieldKind.DATE),
            ("beta", FieldKind.FLAG),
        ]:
            add_field(session, key, key.title(), kind, ["gold"] if kind is FieldKind.CHOICE else [])
        news, club = make.topic(session, "news"), make.topic(session, "club")
        anna = make.subscriber(
            session,
            "anna@example.org",
            language="de",
            country="DE",
            birthday=1121,
            attributes={"plan": "gold", "seats": 3, "paid": "2026-11-20", "beta": True},
        )
        bert = make.subscriber(
            session,
            "bert@example.org",
            first_name="Bert",
            status=Status.PENDING,
            tracking=TrackingMode.NONE,
            attributes={"seats": 1.5, "beta": False},
        )
        anna.source, bert.time_zone = "form:cheese", "Europe/Berlin"
        set_tags(session, anna.id, ["vip", "cheese"])
        subscribe(session, anna.id, [news.id, club.id], NOW)
        subscribe(session, bert.id, [news.id], NOW)


@pytest.mark.parametrize(
    ("field", "op", "value", "names"),
    [
        ("email", "starts_with", "ANNA@", {"Anna"}),
        ("first_name", "is", "bert", {"Bert"}),
        ("last_name", "is_empty", None, {"Anna", "Bert"}),
        ("language", "is", "de", {"Anna"}),
        ("country", "is_not", "DE", {"Bert"}),
        ("birthday", "today", None, {"Anna"}),
        ("status", "is", "pending", {"Bert"}),
        ("status", "is_any_of", ["active", "pending"], {"Anna", "Bert"}),
        ("tracking", "is", "personal", {"Anna"}),
        ("joined", "before", "2026-02-01", {"Anna", "Bert"}),
        ("confirmed", "is_filled", None, {"Anna", "Bert"}),
        ("source", "starts_with", "form:", {"Anna"}),
        ("time_zone", "is", "Europe/Berlin", {"Bert"}),
        ("tags", "has_all", ["vip", "cheese"], {"Anna"}),
        ("tags", "has_none", ["vip"], {"Bert"}),
        ("topics", "has_any", ["news"], {"Anna", "Bert"}),
        ("topics", "has_all", ["news", "club"], {"Anna"}),
        ("custom.plan", "is", "gold", {"Anna"}),
        ("custom.seats", "less_than", 2, {"Bert"}),
        ("custom.seats", "at_least", 1, {"Anna", "Bert"}),
        ("custom.paid", "on", "2026-11-20", {"Anna"}),
        ("custom.beta", "is_true", None, {"Anna"}),
        ("custom.beta", "is_false", None, {"Bert"}),
    ],
)
def test_a_word_means_its_people(people: None, field: str, op: str, value: Any, names: set[str]) -> None:
    """TRUST S5: values are bound, only words of the vocabulary reach SQL."""
    with transaction() as session:
        vocabulary = house().vocabulary(session)
        rule = parse({"field": field, "op": op, "value": value})
        vocabulary.check(rule)
        meant = select(Standing.subscriber_id).where(where(rule, vocabulary, NOW, ZoneInfo("Europe/Berlin")))
        found = session.scalars(select(Subscriber.first_name).where(Subscriber.id.in_(meant))).all()
    assert set(found) == names
