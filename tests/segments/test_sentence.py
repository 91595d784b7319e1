"""Rules as people say them, beside the people they mean: one table for SQL and both languages."""

from typing import Any

import pytest
from hypothesis import given
from sqlalchemy import Engine

from segments.rule import Rule, parse
from segments.sentence import sentence
from tests.segments.people import PEOPLE, VOCABULARY, ids
from tests.segments.test_where import RULES


def say(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


GERMANS = say("country", "is", "DE")
VIPS = say("vip", "is_true")
CLICKED = say("clicked", "happened", {"at_least": 3, "days": 30})

# rule, English, German, how many of the 42 people
TABLE: list[tuple[dict[str, Any], str, str, int]] = [
    ({"all": []}, "everybody", "alle", 42),
    ({"any": []}, "nobody", "niemand", 0),
    ({"not": {"all": []}}, "not: everybody", "nicht: alle", 0),
    (GERMANS, "country is Germany", "Land ist Deutschland", 12),
    (say("country", "is_not", "DE"), "country is not Germany", "Land ist nicht Deutschland", 30),
    (
        say("country", "is_any_of", ["DE", "AT", "CH"]),
        "country is Germany, Austria or Switzerland",
        "Land ist Deutschland, Österreich oder Schweiz",
        24,
    ),
    (
        say("country", "is_none_of", ["DE", "AT"]),
        "country is not Germany or Austria",
        "Land ist nicht Deutschland oder Österreich",
        24,
    ),
    (say("country", "is_empty"), "country is unknown", "Land ist unbekannt", 12),
    (say("tier", "is", 3), "tier is Gold", "Stufe ist Gold", 10),
    (say("name", "is", "anna"), "name is “anna”", "Name ist „anna“", 6),
    (say("name", "contains", "{}…"), "name contains “{}…”", "Name enthält „{}…“", 0),
    (say("name", "starts_with", "J"), "name starts with “J”", "Name beginnt mit „J“", 6),
    (say("name", "ends_with", "%"), "name ends with “%”", "Name endet auf „%“", 3),
    (say("name", "is_any_of", ["a", "b"]), "name is “a” or “b”", "Name ist „a“ oder „b“", 0),
    (say("name", "is_filled"), "name is not empty", "Name ist nicht leer", 36),
    (say("orders", "more_than", 1000), "number of orders is more than 1,000", "Zahl der Käufe ist mehr als 1.000", 7),
    (
        say("orders", "between", [1, 2.5]),
        "number of orders is between 1 and 2.5",
        "Zahl der Käufe liegt zwischen 1 und 2,5",
        14,
    ),
    (
        say("spent", "at_least", "9.99"),
        "total spent is at least €9.99",
        "Umsatz ist mindestens 9,99\N{NO-BREAK SPACE}€",
        24,
    ),
    (
        say("spent", "between", [0, 10]),
        "total spent is between €0.00 and €10.00",
        "Umsatz liegt zwischen 0,00\N{NO-BREAK SPACE}€ und 10,00\N{NO-BREAK SPACE}€",
        18,
    ),
    (
        say("since", "before", "2026-03-01"),
        "start is before March 1, 2026",
        "Beginn ist vor dem 1. März 2026",
        14,
    ),
    (
        say("clicked_at", "between", ["2026-03-01", "2026-03-29"]),
        "last click was between March 1, 2026 and March 29, 2026",
        "letzter Klick war zwischen dem 1. März 2026 und dem 29. März 2026",
        15,
    ),
    (
        say("clicked_at", "on", "2026-03-29"),
        "last click was on March 29, 2026",
        "letzter Klick war am 29. März 2026",
        10,
    ),
    (
        say("clicked_at", "within_days", 30),
        "last click was in the last 30 days",
        "letzter Klick war in den letzten 30 Tagen",
        25,
    ),
    (
        say("clicked_at", "not_within_days", 90),
        "last click was not in the last 90 days",
        "letzter Klick war nicht in den letzten 90 Tagen",
        12,
    ),
    (
        say("clicked_at", "within_days", 1),
        "last click was yesterday or today",
        "letzter Klick war gestern oder heute",
        15,
    ),
    (say("clicked_at", "is_empty"), "last click was never", "letzter Klick war noch nie", 4),
    (
        say("ends", "in_next_days", 7),
        "contract end is in the next 7 days",
        "Vertragsende ist in den nächsten 7 Tagen",
        14,
    ),
    (VIPS, "VIP: yes", "VIP: ja", 14),
    (say("vip", "is_false"), "VIP: no", "VIP: nein", 28),
    (
        say("tags", "has_any", ["press", "blog"]),
        "tags include “press” or “blog”",
        "Tags enthalten „press“ oder „blog“",
        34,
    ),
    (
        say("tags", "has_all", ["press", "blog"]),
        "tags include “press” and “blog”",
        "Tags enthalten „press“ und „blog“",
        9,
    ),
    (say("tags", "has_none", ["press"]), "tags do not include “press”", "Tags enthalten nicht „press“", 16),
    (say("birthday", "today"), "birthday is today", "Geburtstag ist heute", 4),
    (say("birthday", "in_next_days", 1), "birthday is today or tomorrow", "Geburtstag ist heute oder morgen", 8),
    (say("birthday", "in_month", 3), "birthday is in March", "Geburtstag ist im März", 16),
    (say("clicked", "happened", {}), "clicked", "geklickt", 36),
    (CLICKED, "clicked at least 3 times in the last 30 days", "mindestens 3-mal geklickt in den letzten 30 Tagen", 18),
    (
        say("clicked", "happened", {"campaign": 2, "days": 1}),
        "clicked in campaign “Spring” yesterday or today",
        "geklickt in Kampagne „Frühling“ gestern oder heute",
        12,
    ),
    (say("clicked", "not_happened", {}), "never clicked", "nie geklickt", 6),
    (
        say("clicked", "not_happened", {"days": 30}),
        "not clicked in the last 30 days",
        "nicht geklickt in den letzten 30 Tagen",
        12,
    ),
    (
        say("clicked", "not_happened", {"at_least": 2, "campaign": 3}),
        "clicked fewer than 2 times in campaign 3",
        "weniger als 2-mal geklickt in Kampagne 3",
        30,
    ),
    (
        {"all": [GERMANS, CLICKED]},
        "country is Germany and clicked at least 3 times in the last 30 days",
        "Land ist Deutschland und mindestens 3-mal geklickt in den letzten 30 Tagen",
        6,
    ),
    (
        {"all": [GERMANS, {"any": [VIPS, {"all": [CLICKED]}]}]},
        "country is Germany and (VIP: yes or clicked at least 3 times in the last 30 days)",
        "Land ist Deutschland und (VIP: ja oder mindestens 3-mal geklickt in den letzten 30 Tagen)",
        8,
    ),
    ({"all": [{"any": [VIPS]}]}, "VIP: yes", "VIP: ja", 14),
    ({"not": GERMANS}, "not: country is Germany", "nicht: Land ist Deutschland", 30),
    (
        {"not": {"any": [GERMANS, VIPS]}},
        "none of: country is Germany; VIP: yes",
        "nichts davon: Land ist Deutschland; VIP: ja",
        20,
    ),
    (
        {"all": [VIPS, {"not": {"any": [GERMANS]}}]},
        "VIP: yes and (none of: country is Germany)",
        "VIP: ja und (nichts davon: Land ist Deutschland)",
        10,
    ),
    (
        {"not": {"all": [GERMANS, VIPS]}},
        "not all of: country is Germany; VIP: yes",
        "nicht alles davon: Land ist Deutschland; VIP: ja",
        38,
    ),
]


@pytest.mark.parametrize(("data", "english", "german", "people"), TABLE, ids=[row[1] for row in TABLE])
def test_a_rule_is_said_in_both_languages_and_means_these_people(
    engine: Engine, data: dict[str, Any], english: str, german: str, people: int
) -> None:
    rule = parse(data)
    VOCABULARY.check(rule)

    assert sentence(rule, VOCABULARY, "en") == english
    assert sentence(rule, VOCABULARY, "de_AT") == german
    assert len(ids(engine, rule)) == people


def test_the_table_speaks_of_the_whole_small_world() -> None:
    assert len(PEOPLE) == 42


@given(RULES)
def test_every_rule_can_be_said(rule: Rule) -> None:
    for locale in ("en", "de"):
        said = sentence(rule, VOCABULARY, locale)
        assert said
        assert said.count("(") == said.count(")")
