"""A custom field means the same people whatever stands in it, though a quick look at the document comes first."""

import json
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.feature import house
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind, Standing
from segments.rule import parse
from segments.where import where
from tests import make

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TEXTS = [
    "Berlin", "berlin", "East Berlin", "Köln", "KÖLN", "Łódź", "50 %", "5_0", 'say "so"', "a\\b", "a/b",
    "line\nbreak", "tab\tbed", "café 🎈", "true", "3", "{}", "İstanbul", "'; DROP", "*[?",
]  # fmt: skip
HOLDS = {
    "is": lambda has, wanted: _alike(has) == _alike(wanted),
    "is_not": lambda has, wanted: _alike(has) != _alike(wanted),
    "contains": lambda has, wanted: _alike(wanted) in _alike(has),
    "starts_with": lambda has, wanted: _alike(has).startswith(_alike(wanted)),
    "ends_with": lambda has, wanted: _alike(has).endswith(_alike(wanted)),
}


def _alike(written: str) -> str:
    """Letters that are pairs of one character each."""
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in written)


@pytest.fixture
def people(app: APIFlask) -> dict[int, str]:
    """Each with a text, the same as a choice, and in a list."""
    with transaction() as session:
        for key, kind in (("city", FieldKind.TEXT), ("size", FieldKind.CHOICE), ("likes", FieldKind.LIST)):
            add_field(session, key, key.title(), kind, TEXTS if kind is not FieldKind.TEXT else [])
        made = {}
        for at, each in enumerate(TEXTS):
            attributes = {"city": each, "size": each, "likes": [each, "tea"]}
            made[make.subscriber(session, f"p{at}@example.org", attributes=attributes).id] = each
        make.subscriber(session, "nothing@example.org", attributes={})
    return made


def _found(session: Session, field: str, op: str, value: object) -> set[int]:
    vocabulary = house().vocabulary(session)
    rule = parse({"field": field, "op": op, "value": value})
    condition = where(rule, vocabulary, NOW, ZoneInfo("Europe/Berlin"))
    return set(session.scalars(select(Standing.subscriber_id).where(condition)))


def test_texts_mean_who_has_them(people: dict[int, str]) -> None:
    with reading() as session:
        nobody_says = set(session.scalars(select(Standing.subscriber_id))) - set(people)
        for (op, holds), wanted in product(HOLDS.items(), TEXTS):
            meant = {person for person, has in people.items() if holds(has, wanted)}
            assert _found(session, "custom.city", op, wanted) == meant | (nobody_says if op == "is_not" else set()), (
                op,
                wanted,
            )


def test_choices_and_lists_mean_who_has_exactly_that(people: dict[int, str]) -> None:
    with reading() as session:
        for wanted in (each for each in TEXTS if each.isprintable()):
            meant = {person for person, has in people.items() if has == wanted}
            assert _found(session, "custom.size", "is", wanted) == meant, wanted
            assert _found(session, "custom.likes", "has_any", [wanted]) == meant, wanted
        assert _found(session, "custom.city", "is_any_of", TEXTS) == set(people)
        assert _found(session, "custom.likes", "has_any", ["tea"]) == set(people)


def test_it_does_not_matter_who_wrote_the_document(people: dict[int, str]) -> None:
    """Letters escaped or not, with spaces or without."""
    documents = [
        json.dumps({"city": "Köln"}),
        json.dumps({"city": "Köln"}, ensure_ascii=False),
        json.dumps({"city": "Köln"}, ensure_ascii=False, separators=(",", ":")),
        json.dumps({"city": "Köln"}, indent=2),
    ]
    with transaction() as session:
        for person, document in zip(people, documents, strict=False):
            values = {"person": person, "document": document}
            cast = "CAST(:document AS JSONB)" if session.get_bind().dialect.name == "postgresql" else ":document"
            session.execute(text(f"UPDATE subscriber SET attributes = {cast} WHERE id = :person"), values)
        written = set(list(people)[: len(documents)])
        for op in ("is", "contains", "starts_with", "ends_with"):
            assert _found(session, "custom.city", op, "köln") >= written


def test_the_quick_look_comes_first(app: APIFlask) -> None:
    """On SQLite, which would parse the document of everybody."""
    with transaction() as session:
        add_field(session, "city", "City", FieldKind.TEXT, [])
        vocabulary = house().vocabulary(session)
        parts = [
            ("tags", "has_any", ["a"]),
            ("custom.city", "is_filled", None),
            ("custom.city", "is", "Rom"),
            ("country", "is", "IT"),
        ]
        rule = parse({"all": [{"field": field, "op": op, "value": value} for field, op, value in parts]})
        condition = where(rule, vocabulary, NOW, ZoneInfo("UTC"), side_by_side=True)
        said = str(condition.compile(session.get_bind()))
        if session.get_bind().dialect.name == "sqlite":
            assert said.index("country") < said.index("LIKE") < said.index("JSON_EXTRACT") < said.index("tag")
        else:
            assert "LIKE" not in said
