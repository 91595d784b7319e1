"""Typed sentences: what a rule says is read back as that rule, and mistakes are told their place (TRUST.md S5)."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.canonical import canonical
from segments.label import Label
from segments.rule import Condition, Rule, parse, to_json
from segments.sentence import sentence
from segments.typed import MAX_LENGTH, SentenceError, read_sentence
from segments.vocabulary import Field, FieldType, Vocabulary
from tests.segments.people import BERLIN, NOW, PEOPLE, VOCABULARY
from tests.segments.reference import holds
from tests.segments.test_sentence import TABLE
from tests.segments.test_where import RULES


@given(RULES)
def test_what_a_rule_says_is_read_back_as_that_rule(rule: Rule) -> None:
    plain = canonical(rule, VOCABULARY)

    for locale in ("en", "de"):
        said = sentence(rule, VOCABULARY, locale)
        assert read_sentence(said, VOCABULARY, locale) == plain, said
        assert read_sentence(sentence(plain, VOCABULARY, locale), VOCABULARY, locale) == plain


@given(RULES)
def test_the_canonical_rule_means_the_same_people_and_is_canonical(rule: Rule) -> None:
    plain = canonical(rule, VOCABULARY)

    assert [holds(rule, each, NOW, BERLIN) for each in PEOPLE] == [holds(plain, each, NOW, BERLIN) for each in PEOPLE]
    assert canonical(plain, VOCABULARY) == plain
    assert parse(json.loads(json.dumps(to_json(plain)))) == plain


@given(value=st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text and text.isprintable()))
def test_any_text_survives_its_quotes(value: str) -> None:
    rule = Condition("name", "is", value)

    for locale in ("en", "de"):
        assert read_sentence(sentence(rule, VOCABULARY, locale), VOCABULARY, locale) == rule


@pytest.mark.parametrize("row", TABLE, ids=[row[1] for row in TABLE])
def test_every_sentence_of_the_table_is_read_in_both_languages(row: tuple[dict[str, Any], str, str, int]) -> None:
    rule = canonical(parse(row[0]), VOCABULARY)

    assert read_sentence(row[1], VOCABULARY, "en") == rule
    assert read_sentence(row[2], VOCABULARY, "de_DE") == rule
    assert read_sentence(f"  {row[1].upper() if '“' not in row[1] else row[1]} ", VOCABULARY, "en") == rule


def says(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


GOLD, PRESS = says("tier", "is", "3"), says("tags", "has_any", ["press"])
TYPED: list[tuple[str, dict[str, Any]]] = [
    (
        "clicked >= 1 in 30 days and not tag:press",
        {"all": [says("clicked", "happened", {"days": 30}), {"not": PRESS}]},
    ),
    (
        "tier is Gold and country in (DE, AT) or spend > 100 EUR",
        {
            "any": [
                {"all": [GOLD, says("country", "is_any_of", ["AT", "DE"])]},
                says("spent_in", "more_than", {"amount": 100}),
            ]
        },
    ),
    ("Stufe ist gold", GOLD),
    ("tier = 3", GOLD),
    ('tier: "Gold"', GOLD),
    ("tier != 'Gold'", says("tier", "is_not", "3")),
    ("tier not in (Gold, Loyal)", says("tier", "is_none_of", ["2", "3"])),
    ("orders>=2", says("orders", "at_least", 2)),
    ("orders <> 1,000", says("orders", "not_equals", 1000)),
    ("weight between 0.5 and 2.5", says("weight", "between", [0.5, 2.5])),
    ("total spent ≥ €1,000.50", says("spent", "at_least", 1000.5)),
    ("total spent < -5", says("spent", "less_than", -5)),
    ("name ~ ann", says("name", "contains", "ann")),
    ("name in (Anna, 'Bea or Cleo')", says("name", "is_any_of", ["Anna", "Bea or Cleo"])),
    ("start >= 2026-03-01", says("since", "after", "2026-02-28")),
    ("start until 1.3.2026", says("since", "before", "2026-03-02")),
    ("start between 1 March 2026 and Mar 5, 2026", says("since", "between", ["2026-03-01", "2026-03-05"])),
    ("last click in the last 2 weeks", says("clicked_at", "within_days", 14)),
    ("last click older than 90 days", says("clicked_at", "older_than_days", 90)),
    ("vip", says("vip", "is_true")),
    ("not vip", {"not": says("vip", "is_true")}),
    ("VIP = no", says("vip", "is_false")),
    ("birthday in März", says("birthday", "in_month", 3)),
    ("birthday between 12-20 and 01-05", says("birthday", "between", ["12-20", "01-05"])),
    ("clicked", says("clicked", "happened", {})),
    ("not clicked in 7 days", says("clicked", "not_happened", {"days": 7})),
    ("clicked 3 times since 2026-01-01", says("clicked", "happened", {"at_least": 3, "since": "2026-01-01"})),
    ("clicked > 2 in campaign Spring", says("clicked", "happened", {"at_least": 3, "campaign": 2})),
    ("clicked < 2 link shop", says("clicked", "not_happened", {"at_least": 2, "link": "shop"})),
    (
        "clicked = 2",
        {
            "all": [
                says("clicked", "happened", {"at_least": 2}),
                says("clicked", "not_happened", {"at_least": 3}),
            ]
        },
    ),
    (
        "spend >= 20 EUR in 30 days product cheese",
        says("spent_in", "at_least", {"amount": 20, "days": 30, "product": "cheese"}),
    ),
    ("held tier Gold 90 days", says("tier_held", "held_for", {"value": "3", "days": 90})),
    ("sample 10%", says("sample", "in_sample", {"percent": 10, "seed": 1})),
    ("sample of 2.5 % seed 7", says("sample", "in_sample", {"percent": 2.5, "seed": 7})),
    (
        "tags include “press” and “blog” and vip",
        {"all": [says("tags", "has_all", ["blog", "press"]), says("vip", "is_true")]},
    ),
    ("name is ‘Anna’", says("name", "is", "Anna")),
    ("Name ist ‚Anna‘", says("name", "is", "Anna")),
    ("name is ’Anna’", says("name", "is", "Anna")),
    ('name is “Anna"', says("name", "is", "Anna")),
    ('name is "Anna“', says("name", "is", "Anna")),
    ("name is ‹Anna›", says("name", "is", "Anna")),
    ("name\u00a0is\u202fAnna", says("name", "is", "Anna")),
    ("\ufeffclicked\u00a0at\u00a0least\u00a03\u00a0times", says("clicked", "happened", {"at_least": 3})),
    ("clicked at  least\n3 times", says("clicked", "happened", {"at_least": 3})),
    ("clicked more than 2 times in 30 days", says("clicked", "happened", {"at_least": 3, "days": 30})),
    ("clicked at most twice", says("clicked", "not_happened", {"at_least": 3})),
    ("clicked once", says("clicked", "happened", {})),
    ("mehr als 2-mal geklickt", says("clicked", "happened", {"at_least": 3})),
    ("höchstens 3 mal geklickt in 7 Tagen", says("clicked", "not_happened", {"at_least": 4, "days": 7})),
    ("dreimal geklickt seit 1.1.26", says("clicked", "happened", {"at_least": 3, "since": "2026-01-01"})),
    (
        "genau 2x geklickt",
        {"all": [says("clicked", "happened", {"at_least": 2}), says("clicked", "not_happened", {"at_least": 3})]},
    ),
    ("clicked, but not vip", {"all": [says("clicked", "happened", {}), {"not": says("vip", "is_true")}]}),
    ("geklickt, aber nicht VIP", {"all": [says("clicked", "happened", {}), {"not": says("vip", "is_true")}]}),
    ("Umsatz über 100 Euro", says("spent", "more_than", 100)),
    ("total spent at most 20 euros", says("spent", "at_most", 20)),
    ("start before 31.12.26", says("since", "before", "2026-12-31")),
    ("start before December 31st, 2026", says("since", "before", "2026-12-31")),
    ("start on 1st March 2026", says("since", "on", "2026-03-01")),
    ("last click in the last 3 months", says("clicked_at", "within_days", 90)),
    ("letzter Klick älter als 1 Jahr", says("clicked_at", "older_than_days", 365)),
    ("birthday in the next 7 days", says("birthday", "in_next_days", 7)),
    ("Geburtstag in den nächsten 2 Wochen", says("birthday", "in_next_days", 14)),
    ("Geburtstag zwischen 24.12. und 6.1.", says("birthday", "between", ["12-24", "01-06"])),
    ("everybody", {"all": []}),
    (
        "vip & (tag:a | tag:b)",
        {"all": [says("vip", "is_true"), {"any": [says("tags", "has_any", [each]) for each in "ab"]}]},
    ),
]


@pytest.mark.parametrize(("text", "rule"), TYPED, ids=[text for text, _ in TYPED])
def test_what_marketers_type_is_understood(text: str, rule: dict[str, Any]) -> None:
    assert to_json(read_sentence(text, VOCABULARY, "en")) == rule


def test_numbers_are_read_as_the_language_writes_them() -> None:
    assert read_sentence("weight > 1.500", VOCABULARY, "de") == Condition("weight", "more_than", 1500)
    assert read_sentence("weight > 1.500", VOCABULARY, "en") == Condition("weight", "more_than", 1.5)
    assert read_sentence("Gewicht > 1,5", VOCABULARY, "de") == Condition("weight", "more_than", 1.5)


@pytest.mark.parametrize(
    ("text", "at", "wrong", "message"),
    [
        ("", 0, 0, "expected a field, not the end"),
        ("countri is DE", 0, 7, "did you mean “country”"),
        ("vip and countri is DE", 8, 7, "did you mean “country”"),
        ("country is Germny", 11, 6, "did you mean “Germany”"),
        ("country was DE", 8, 3, "what is said of it"),
        ("orders >= many", 10, 4, "expected a number"),
        ("last click before yesterday", 18, 9, "expected a date"),
        ("last click before 2026-02-30", 18, 10, "expected a date"),
        ("(vip and clicked", 16, 0, "“)”, not the end"),
        ("vip and", 7, 0, "expected a field"),
        ("vip clicked", 4, 7, "“and”, “or” or the end"),
        ("vip)", 3, 1, "“and”, “or” or the end"),
        ("country in (DE, XX)", 16, 2, "a value"),
        ("country in DE", 11, 2, "“(”"),
        ("spend >= lots", 9, 4, "an amount"),
        ("held tier Gold", 14, 0, "for at least"),
        ("sample some", 7, 4, "a percentage"),
        ("birthday in Smarch", 12, 6, "a month"),
        ("clicked in campaign Autumn", 20, 6, "a value"),
        ("name is “Anna and vip", 21, 0, "expected a closing quote (”)"),
        ("vip and total spent > 1.005", 8, 19, "column 9: has more than two decimals"),
        ("vip and clicked at least 9999999 times", 8, 30, "column 9: must be a whole number"),
        ("vip and clicked in the last 0 days", 8, 26, "column 9: must be a whole number"),
        ("clicked at least 0 times", 8, 2, "expected a number from 1 on"),
        ("never clikced", 6, 7, "did you mean “clicked”"),
        ("last click in the last month", 23, 5, "a number of days, such as “30 days”"),
        ("start before 31 December", 13, 2, "a date with its year"),
        ("total spent > 5 dollars", 16, 7, "expected EUR or “and”"),
        ("'; DROP TABLE person; --", 0, 0, "expected a field"),
    ],
)
def test_a_mistake_is_told_its_place_and_what_should_stand_there(text: str, at: int, wrong: int, message: str) -> None:
    with pytest.raises(SentenceError) as refused:
        read_sentence(text, VOCABULARY, "en")

    assert (refused.value.at, refused.value.length or wrong) == (at, wrong or refused.value.length)
    assert message in refused.value.message.en
    assert refused.value.message.de != refused.value.message.en


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        "(" * 1_000,
        "not " * 1_000 + "vip",
        "not: " * 1_000 + "vip",
        "none of: " * 1_000 + "vip",
        " and ".join(["vip"] * 3_000),
        "(" * 5_000 + "vip" + ")" * 5_000,
        "“" * MAX_LENGTH,
        "1," * (MAX_LENGTH // 2),
        "orders is " + "9" * 10_000,
        "country in (" + "DE," * 6_000,
        "tags include " + "“a”, " * 3_000,
        "clicked in the last " + "9" * 5_000 + " days",
    ],
    ids=range(13),
)
def test_monstrous_sentences_are_refused_in_no_time(text: str) -> None:
    """S5."""
    started = time.process_time()
    with pytest.raises(SentenceError):
        read_sentence(text, VOCABULARY, "en")

    assert time.process_time() - started < 1


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from("vip and or not ( ) : tags clicked is in 30 days “ ” # ; , gold".split())).map(" ".join)
)
def test_nonsense_is_refused_and_never_a_crash(text: str) -> None:
    for locale in ("en", "de"):
        try:
            VOCABULARY.check(read_sentence(text, VOCABULARY, locale))
        except SentenceError as error:
            places = (error.at, error.at + error.length)
        else:
            places = (0, 0)
        assert 0 <= places[0] <= places[1] <= len(text) + 1


def named(name: str, label: str, choices: tuple[tuple[str, Label], ...] = ()) -> Field:
    return Field(name, Label(label, label), FieldType.CHOICE, choices=choices)


def test_fields_and_choices_of_one_name_are_told_apart() -> None:
    choices = tuple(
        (key, Label(name, name)) for key, name in [("1", "Gold"), ("2", "gold"), ("3", "1"), ("4", "unknown")]
    )
    words = Vocabulary(
        [named("country", "country"), named("custom.country", "country"), named("tier", "tier", choices)]
    )
    for rule in [
        Condition("country", "is", "x"),
        Condition("custom.country", "is", "x"),
        Condition("tier", "is_any_of", ["1", "2", "3"]),
        Condition("tier", "is", "4"),
        Condition("tier", "is_empty"),
        Condition("tier", "is", "3"),
    ]:
        for locale in ("en", "de"):
            said = sentence(rule, words, locale)
            assert read_sentence(said, words, locale) == rule, said


def test_a_choice_that_is_gone_is_said_by_its_key() -> None:
    assert sentence(Condition("tier", "is", "9"), VOCABULARY, "en") == "tier is #“9”"
    with pytest.raises(SentenceError, match="no value of"):
        read_sentence("tier is #“9”", VOCABULARY, "en")


@pytest.mark.parametrize(
    ("currency", "amount", "english", "german"),
    [
        ("JPY", 1000, "¥1,000", "1.000\xa0¥"),
        ("JPY", 10.5, "¥10.50", "10,50\xa0¥"),
        ("EUR", 1000, "€1,000.00", "1.000,00\xa0€"),
        ("KWD", 1.25, "KWD1.250", "1,250\xa0KWD"),
        ("CHF", -20, "-CHF20.00", "-20,00\xa0CHF"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, amount: float, english: str, german: str) -> None:
    words = Vocabulary([Field("spent", Label("spent", "Umsatz"), FieldType.MONEY, currency=currency)])
    rule = Condition("spent", "more_than", amount)

    for locale, written in (("en", f"spent is more than {english}"), ("de", f"Umsatz ist mehr als {german}")):
        assert sentence(rule, words, locale) == written
        assert read_sentence(written, words, locale) == rule
