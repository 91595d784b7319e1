"""What is known of a person, and how it changes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import transaction
from app.errors import Conflict, Invalid
from app.feature import house
from app.subscribers.custom_fields import add_field, delete_field
from app.subscribers.merge_tags import PROFILE
from app.subscribers.models import CustomField, FieldKind, Subscriber, Tag
from app.subscribers.profile import change_profile
from app.subscribers.topics import save_topic, set_tags, set_topics, subscribe, tags_of, topic_ids_of
from app.subscribers.values import clean, parse_attribute, parse_birthday, parse_country, parse_language
from tests import make

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAUGHTY = json.loads((Path(__file__).parents[2] / "data/naughty-strings/blns.json").read_text(encoding="utf-8"))


def test_what_a_change_does_not_mention_stays(app: APIFlask) -> None:
    """TRUST S17."""
    with transaction() as session:
        add_field(session, "plan", "Plan", FieldKind.TEXT)
        add_field(session, "seats", "Seats", FieldKind.NUMBER)
        anna = make.subscriber(session, "anna@example.org", attributes={"plan": "gold"}, language="de")
        set_tags(session, anna.id, ["vip"])
        change_profile(session, anna.id, {"last_name": "Öztürk", "attributes": {"seats": "3"}}, NOW)
        assert (anna.first_name, anna.last_name, anna.standing.language) == ("Anna", "Öztürk", "de")
        assert anna.attributes == {"plan": "gold", "seats": 3}
        assert tags_of(session, anna.id) == ["vip"]
        change_profile(session, anna.id, {"first_name": "", "attributes": {"plan": None}, "tags": []}, NOW)
        assert (anna.first_name, anna.attributes) == (None, {"seats": 3})
        assert tags_of(session, anna.id) == []


def test_all_mistakes_are_told_with_their_places_and_nothing_changes(app: APIFlask) -> None:
    with transaction() as session:
        add_field(session, "seats", "Seats", FieldKind.NUMBER)
        anna = make.subscriber(session)
        wrong: dict[str, Any] = {
            "first_name": "Berta",
            "last_name": "x" * 201,
            "country": "Atlantis",
            "language": "klingonisch",
            "time_zone": "Europe/Entenhausen",
            "birthday": "31.02.1990",
            "attributes": {"seats": "many", "unknown": 1},
            "topics": ["nowhere"],
        }
        with pytest.raises(Invalid) as refused:
            change_profile(session, anna.id, wrong, NOW)
        places = {"last_name", "country", "language", "time_zone", "birthday", "topics"}
        assert refused.value.places.keys() == places | {"attributes.seats", "attributes.unknown"}
        assert anna.first_name == "Anna"


def test_naughty_names_are_kept_as_one_clean_line(app: APIFlask) -> None:
    """TRUST R21, S3: right-to-left, emoji, `{{`, markup and formulas are data; line ends and NUL are not."""
    with transaction() as session:
        anna = make.subscriber(session)
        for each in [*NAUGHTY, "مُنَاقَشَةُ", "👩‍👩‍👧", "{{ 7*7 }}", "=1+1", "a\r\nBcc: b", "a\x00b", "a\u2028b"]:
            if len(clean(each)) > 200:
                continue
            change_profile(session, anna.id, {"first_name": each}, NOW)
            session.refresh(anna)
            assert anna.first_name == (clean(each) or None)
            assert not set(anna.first_name or "") & set("\r\n\x00\u2028\x85")


def test_an_address_that_somebody_else_has_is_refused_in_any_case(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org")
        bert = make.subscriber(session, "bert@example.org")
        with pytest.raises(Conflict):
            change_profile(session, bert.id, {"email": "ANNA@example.org"}, NOW)
        change_profile(session, bert.id, {"email": "Bert@Example.org"}, NOW)
        assert (bert.email, bert.token_epoch) == ("Bert@example.org", 0)
        change_profile(session, bert.id, {"email": "bert@straße.de"}, NOW)
        assert (bert.address_key, bert.token_epoch) == ("bert@xn--strae-oqa.de", 1)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1990-05-17", "1990-05-17"),
        ("17.05.1990", "1990-05-17"),
        ("17.5.", "--05-17"),
        ("05-17", "--05-17"),
        ("--02-29", "--02-29"),
        ("29.02.2000", "2000-02-29"),
    ],
)
def test_birthdays_are_read_with_and_without_a_year(app: APIFlask, text: str, stored: str) -> None:
    assert str(parse_birthday(text)) == stored
    assert str(parse_birthday(stored)) == stored


@pytest.mark.parametrize("text", ["29.02.1999", "1990-13-01", "yesterday", "17/05/1990", "0000-01-01"])
def test_what_is_no_birthday_is_refused(app: APIFlask, text: str) -> None:
    with pytest.raises(Invalid):
        parse_birthday(text)


def test_countries_and_languages_are_read_by_code_and_name(app: APIFlask) -> None:
    assert [parse_country(text) for text in ("de", "Österreich", "switzerland", "")] == ["DE", "AT", "CH", None]
    assert [parse_language(text) for text in ("DE", "de-AT", "en_GB", "")] == ["de", "de", "en", None]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldKind.TEXT, " a\tb ", "a b"),
        (FieldKind.NUMBER, "3,5", 3.5),
        (FieldKind.NUMBER, 4, 4),
        (FieldKind.DATE, "17.05.2026", "2026-05-17"),
        (FieldKind.FLAG, "ja", True),
        (FieldKind.FLAG, False, False),
        (FieldKind.CHOICE, "gold", "gold"),
        (FieldKind.TEXT, "  ", None),
    ],
)
def test_custom_values_are_typed(app: APIFlask, kind: FieldKind, text: object, value: object) -> None:
    field = CustomField(key="k", label="K", kind=kind, choices=["gold", "silver"])
    assert parse_attribute(field, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.NUMBER, "1.234,56"),
        (FieldKind.NUMBER, "nan"),
        (FieldKind.NUMBER, "1e400"),
        (FieldKind.NUMBER, True),
        (FieldKind.DATE, "31.02.2026"),
        (FieldKind.FLAG, "maybe"),
        (FieldKind.CHOICE, "bronze"),
        (FieldKind.TEXT, "x" * 1001),
    ],
)
def test_custom_values_that_do_not_fit_are_refused(app: APIFlask, kind: FieldKind, text: object) -> None:
    with pytest.raises(Invalid):
        parse_attribute(CustomField(key="k", label="K", kind=kind, choices=["gold"]), text)


@given(st.text(max_size=300))
def test_cleaned_text_is_one_line_and_stays_so(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean(text).splitlines() in ([], [clean(text)])


def test_a_deleted_field_takes_its_values_along(app: APIFlask) -> None:
    with transaction() as session:
        plan = add_field(session, "plan", "Plan", FieldKind.TEXT)
        anna = make.subscriber(session, attributes={"plan": "gold", "seats": 3})
        delete_field(session, plan.id)
        session.expire_all()
        assert session.get_one(Subscriber, anna.id).attributes == {"seats": 3}


@pytest.mark.parametrize("key", ["", "1a", "a b", "ä", 'a"b', "a'; DROP TABLE x", "x" * 41])
def test_keys_of_fields_and_topics_are_plain_words(app: APIFlask, key: str) -> None:
    """TRUST S5: stored names reach SQL paths and headers."""
    with transaction() as session:
        with pytest.raises(Invalid):
            add_field(session, key, "Label", FieldKind.TEXT)
        with pytest.raises(Invalid):
            save_topic(session, None, key=key, name="Name")


def test_topics_outside_of_what_may_be_chosen_are_left_alone(app: APIFlask) -> None:
    with transaction() as session:
        news, club, staff = (make.topic(session, key) for key in ("news", "club", "staff"))
        anna = make.subscriber(session)
        subscribe(session, anna.id, [news.id, staff.id], NOW)
        set_topics(session, anna.id, [club.id], NOW, among=[news.id, club.id])
        assert topic_ids_of(session, anna.id) == {club.id, staff.id}


def test_tags_are_made_once(app: APIFlask) -> None:
    with transaction() as session:
        anna, bert = make.subscriber(session), make.subscriber(session)
        set_tags(session, anna.id, ["vip", " vip ", "cheese"])
        set_tags(session, bert.id, ["vip"])
        assert session.scalars(select(Tag.name).order_by(Tag.name)).all() == ["cheese", "vip"]


def test_mails_may_say_what_is_known(app: APIFlask) -> None:
    with transaction() as session:
        news = make.topic(session)
        anna = make.subscriber(session, last_name="Müller", birthday=517, attributes={"plan": "gold"})
        bert = make.subscriber(session, first_name=None)
        set_tags(session, anna.id, ["vip"])
        subscribe(session, anna.id, [news.id], NOW)
        values = house().merge_values(session, [anna.id, bert.id], PROFILE)
    wanted = {"name": "Anna Müller", "birthday": "--05-17", "tags": ["vip"], "topics": ["news"]}
    assert wanted.items() <= values[anna.id].items()
    assert values[anna.id]["attributes"] == {"plan": "gold"}
    assert (values[bert.id]["name"], values[bert.id]["first_name"]) == ("", None)
