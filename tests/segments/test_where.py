"""Rules as SQL, on SQLite and PostgreSQL: the same people as the plain Python reference (TRUST.md S5)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any as Anything
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, String, literal, not_, select

from segments.label import Label
from segments.operators import OPERATIONS, Shape
from segments.rule import All, Any, Condition, Not, Rule, RuleError
from segments.text import matches
from segments.vocabulary import Field, FieldType, Vocabulary
from segments.where import where
from tests.segments.people import BERLIN, DAYS, NAMES, NOW, PEOPLE, VOCABULARY, ids, person
from tests.segments.reference import fold, holds

DAY_TEXTS = st.sampled_from([each.isoformat() for each in DAYS if each])
SINGLE: dict[FieldType, st.SearchStrategy[Anything]] = {
    FieldType.TEXT: st.sampled_from([each for each in NAMES if each] + ["a", "Ö", "50%", "_", "\\", "[", "^"]),
    FieldType.NUMBER: st.sampled_from([0, 1, 2.5, "0.1", -1.5, 2**31, 10**15]),
    FieldType.MONEY: st.sampled_from([0, "9.99", 10, 10.01, -5, "10000000000.00"]),
    FieldType.DATE: DAY_TEXTS,
    FieldType.MOMENT: DAY_TEXTS,
    FieldType.LIST: st.sampled_from(["press", "blog", "Déjà vu", "nobody's"]),
    FieldType.BIRTHDAY: st.sampled_from(["01-01", "02-28", "02-29", "03-30", "12-24", "12-31"]),
}
CHOICES = {
    "groups": st.sampled_from(["1", "2"]),
    "country": st.sampled_from(["DE", "AT", "CH", "FR"]),
    "tier": st.sampled_from(["1", "2", "3"]),
}
WINDOWS = st.sampled_from(
    [
        *({"days": days} for days in (None, 1, 29, 30, 31)),
        {},
        {"since": "2026-02-28"},
        {"until": "2026-03-29"},
        {"since": "2026-03-29", "until": "2026-03-30"},
    ]
)


def objects(shape: Shape, field: Field) -> st.SearchStrategy[dict[str, Anything]]:
    details: dict[str, st.SearchStrategy[Anything]] = {
        "campaign": st.none() | st.integers(1, 4),
        "link": st.sampled_from(["shop", "KÄSE", "50%", "”“\\"]),
        "product": st.sampled_from(["cheese", "wine or beer"]),
    }
    own: dict[Shape, dict[str, st.SearchStrategy[Anything]]] = {
        Shape.COUNT: {},
        Shape.TOTAL: {"amount": SINGLE[FieldType.MONEY]},
        Shape.HELD: {"value": CHOICES["tier"], "days": st.sampled_from([1, 30, 31])},
        Shape.SAMPLE: {"percent": st.sampled_from([50, "12.5", 0.01, 100]), "seed": st.integers(0, 3)},
    }
    made = st.fixed_dictionaries(
        own[shape],
        optional={name: details[name] for name in field.details}
        | ({"at_least": st.integers(1, 5)} if shape is Shape.COUNT else {}),
    )
    if shape in {Shape.HELD, Shape.SAMPLE}:
        return made
    return st.builds(lambda value, window: value | window, made, WINDOWS)


def values(field: Field, shape: Shape) -> st.SearchStrategy[Anything]:
    single = CHOICES.get(field.name, SINGLE.get(field.type, st.nothing()))
    if shape in {Shape.COUNT, Shape.TOTAL, Shape.HELD, Shape.SAMPLE}:
        return objects(shape, field)
    in_order: Callable[[Anything], Anything] = float if field.type in {FieldType.NUMBER, FieldType.MONEY} else str
    return {
        Shape.NOTHING: st.none(),
        Shape.ONE: single,
        Shape.MANY: st.lists(single, min_size=1, max_size=3),
        Shape.RANGE: st.lists(single, min_size=2, max_size=2).map(lambda pair: sorted(pair, key=in_order)),
        Shape.DAYS: st.sampled_from([1, 7, 29, 30, 31, 300, 365]),
        Shape.MONTH: st.integers(1, 12),
    }[shape]


def saying(pair: tuple[str, str]) -> st.SearchStrategy[Rule]:
    field = VOCABULARY[pair[0]]
    shape = OPERATIONS[field.type][pair[1]].shape
    return st.builds(Condition, st.just(pair[0]), st.just(pair[1]), values(field, shape))


PAIRS = [(field.name, operation.operator.value) for field in VOCABULARY for operation in field.operations]
CONDITIONS: st.SearchStrategy[Rule] = st.sampled_from(PAIRS).flatmap(saying)
RULES: st.SearchStrategy[Rule] = st.recursive(
    CONDITIONS,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Any, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=6,
)
on_one_engine = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(rule=RULES)
@on_one_engine
def test_any_rule_means_the_same_people_in_sql_and_in_python(engine: Engine, rule: Rule) -> None:
    VOCABULARY.check(rule)

    assert ids(engine, rule) == {each["id"] for each in PEOPLE if holds(rule, each, NOW, BERLIN)}


@given(rule=RULES)
@on_one_engine
def test_not_is_the_exact_complement_also_of_the_bare_condition(engine: Engine, rule: Rule) -> None:
    everybody = {each["id"] for each in PEOPLE}
    inside = ids(engine, rule)

    assert ids(engine, Not(rule)) == everybody - inside
    bare = not_(where(rule, VOCABULARY, NOW, BERLIN))
    with engine.connect() as connection:
        assert set(connection.scalars(select(person.c.id).where(bare))) == everybody - inside


@pytest.mark.parametrize(("field", "operation"), PAIRS)
def test_every_operator_agrees_with_the_reference_at_every_edge(engine: Engine, field: str, operation: str) -> None:
    for value in EDGES[OPERATIONS[VOCABULARY[field].type][operation].shape](field):
        rule = Condition(field, operation, value)
        expected = {each["id"] for each in PEOPLE if holds(rule, each, NOW, BERLIN)}

        assert ids(engine, rule) == expected, value


SINGLES: dict[str, list[Anything]] = {
    "name": ["Anna", "jörg", "ß_50%", "a*b?[c]", "x^\\y", "οδοσ", "ÄÉ", "b"],
    "country": ["DE", "FR"],
    "tier": ["1", "3"],
    "orders": [0, 2, 2.5, 2**31 - 1, 2**40, "1"],
    "weight": [0.1, "0.1", 0, -1.5, 2.5],
    "spent": [0, "10", 10.0, "9.99", 10**10, -5],
    "tags": ["press", "blog"],
    "groups": ["1", "2"],
    "birthday": ["02-28", "02-29", "12-31"],
}
SPANS = [{}, {"days": 1}, {"days": 30}, {"since": "2026-03-29"}, {"since": "2026-03-28", "until": "2026-03-29"}]
ONE_DAYS = ["2026-02-28", "2026-03-29", "2026-03-30", "2026-03-31"]


def singles(field: str) -> list[Anything]:
    return SINGLES.get(field, ONE_DAYS)


EDGES: dict[Shape, Callable[[str], list[Anything]]] = {
    Shape.NOTHING: lambda field: [None],
    Shape.ONE: singles,
    Shape.MANY: lambda field: [[each] for each in singles(field)] + [singles(field)],
    Shape.RANGE: lambda field: [[each, each] for each in singles(field)],
    Shape.DAYS: lambda field: [1, 7, 8, 29, 30, 31, 365],
    Shape.MONTH: lambda field: [1, 2, 3, 12],
    Shape.TOTAL: lambda field: [
        {"amount": amount, **span} for amount in (-5, 0, "0.01", 10, "19.99") for span in SPANS
    ],
    Shape.HELD: lambda field: [{"value": tier, "days": days} for tier in "13" for days in (1, 29, 30, 31, 400)],
    Shape.SAMPLE: lambda field: [{"percent": share, "seed": seed} for share in (0.01, 33, 50, 100) for seed in (0, 7)],
    Shape.COUNT: lambda field: [{}, {"at_least": 2}, {"days": 30, "campaign": 2}, {"at_least": 3, "days": 1}],
}


def test_the_groups_with_nothing_in_them(engine: Engine) -> None:
    assert len(ids(engine, All(()))) == len(PEOPLE)
    assert ids(engine, Any(())) == set()


def test_negated_operators_include_the_people_of_whom_nothing_is_known(engine: Engine) -> None:
    unknown = {each["id"] for each in PEOPLE if each["country"] is None}

    assert unknown
    for rule in (Condition("country", "is_not", "DE"), Condition("country", "is_none_of", ["DE", "AT"])):
        assert unknown <= ids(engine, rule)
    never = {each["id"] for each in PEOPLE if each["clicked_at"] is None}
    assert never <= ids(engine, Condition("clicked_at", "not_within_days", 90))


def test_a_choice_that_no_longer_exists_is_nobodys(engine: Engine) -> None:
    for value in ["9", "gold", str(2**70), "²"]:
        assert ids(engine, Condition("tier", "is", value)) == set()
        assert len(ids(engine, Condition("tier", "is_not", value))) == len(PEOPLE)


def test_an_integer_key_without_choices_takes_any_text(engine: Engine) -> None:
    tier = VOCABULARY["tier"]
    free = Vocabulary([Field("tier", tier.label, tier.type, tier.sql)])

    assert ids(engine, Condition("tier", "is_any_of", ["1", "gold", str(2**70), "-1"]), free) == ids(
        engine, Condition("tier", "is", "1")
    )


def test_a_day_has_its_own_length_when_clocks_change(engine: Engine) -> None:
    """29 March 2026 has 23 hours in Berlin: from 23:00 UTC to 22:00 UTC."""
    on_the_day = ids(engine, Condition("clicked_at", "on", "2026-03-29"))

    assert on_the_day == {
        each["id"]
        for each in PEOPLE
        if each["clicked_at"]
        and datetime(2026, 3, 28, 23, tzinfo=UTC) <= each["clicked_at"] < datetime(2026, 3, 29, 22, tzinfo=UTC)
    }
    assert on_the_day


@given(
    today=st.dates(date(2023, 1, 1), date(2029, 12, 31)),
    rule=st.builds(Condition, st.just("birthday"), st.just("in_next_days"), st.integers(1, 365))
    | st.just(Condition("birthday", "today")),
)
@on_one_engine
def test_birthdays_wrap_around_new_year_and_leap_days(engine: Engine, today: date, rule: Rule) -> None:
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)

    assert ids(engine, rule, now=now) == {each["id"] for each in PEOPLE if holds(rule, each, now, BERLIN)}


LETTERS = st.text(st.sampled_from("aAzZäÄöÖéÉßñÑçøØ жЖσΣς1%_*?[]^\\-!'\"$.|(){}\n"), min_size=1, max_size=5)


@given(text=LETTERS, value=LETTERS)
@on_one_engine
def test_letters_fold_alike_on_both_databases(engine: Engine, text: str, value: str) -> None:
    """PostgreSQL runs in the C locale here, whose lower() knows ASCII alone, as SQLite's does."""
    stored = literal(text, String)
    whole = matches(stored, value)
    inside = matches(stored, value, open_start=True, open_end=True)
    with engine.connect() as connection:
        found = connection.execute(select(whole, inside)).one()

    assert tuple(map(bool, found)) == (fold(text) == fold(value), fold(value) in fold(text))


@pytest.mark.parametrize("evil", ["' OR 1=1 --", "x'); DROP TABLE person; --", "%", "*", ".*", "\\", "$1", ":name"])
def test_values_are_bound_and_mean_only_themselves(engine: Engine, evil: str) -> None:
    """S5."""
    for operator in ["is", "contains", "starts_with", "ends_with"]:
        harmful, harmless = (
            where(Condition("name", operator, value), VOCABULARY, NOW, BERLIN).compile(engine) for value in (evil, "x")
        )
        assert str(harmful) == str(harmless)
    expected = {each["id"] for each in PEOPLE if evil in (each["name"] or "")}
    assert ids(engine, Condition("name", "contains", evil)) == expected
    assert ids(engine, Condition("country", "is", evil)) == set()
    assert ids(engine, Condition("tags", "has_any", [evil])) == set()


@pytest.mark.parametrize("field", ["1=1", "person.name", "name; DROP TABLE person", "__class__", ""])
def test_only_words_of_the_vocabulary_reach_sql(field: str) -> None:
    """S5."""
    with pytest.raises(RuleError, match="there is no field"):
        where(Condition(field, "is", "x"), VOCABULARY, NOW, BERLIN)


def test_the_largest_rule_runs(engine: Engine) -> None:
    rule: Rule = Condition("name", "contains", "äöüßñçжяфш" * 20)
    for _ in range(14):
        rule = Any((Not(rule), Condition("clicked", "happened", {}), Condition("country", "is", "DE")))

    assert ids(engine, rule) == {each["id"] for each in PEOPLE if holds(rule, each, NOW, BERLIN)}


def test_a_long_list_of_texts_runs(engine: Engine) -> None:
    many: list[Anything] = [f"Ä{number}" for number in range(199)] + ["jörg"]

    assert ids(engine, Condition("name", "is_any_of", many)) == ids(engine, Condition("name", "is", "JÖRG"))


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        where(All(()), VOCABULARY, NOW.replace(tzinfo=None), BERLIN)


def test_the_same_instant_is_another_day_elsewhere() -> None:
    """It is half past midnight in Berlin, and still the day before in New York."""
    rule = Condition("since", "in_next_days", 1)
    days = {
        zone: set(where(rule, VOCABULARY, NOW, ZoneInfo(zone)).compile().params.values())
        for zone in ["Europe/Berlin", "America/New_York"]
    }

    assert days["Europe/Berlin"] == {date(2026, 3, 30), date(2026, 4, 1)}
    assert days["America/New_York"] == {date(2026, 3, 29), date(2026, 3, 31)}


def test_a_field_that_lets_null_through_is_still_negated_exactly(engine: Engine) -> None:
    """The contract asks for two-valued conditions; a mistake there must not lose people from a negation."""
    sloppy = VOCABULARY["clicked_at"].sql
    fields = Vocabulary(
        [
            Field(
                "mailed",
                Label("mailed", "angeschrieben"),
                FieldType.EVENT,
                lambda happening: sloppy() >= happening.since,
            )
        ]
    )
    happened = ids(engine, Condition("mailed", "happened", {"days": 30}), fields)
    rest = {each["id"] for each in PEOPLE} - happened

    assert ids(engine, Condition("mailed", "not_happened", {"days": 30}), fields) == rest
    assert ids(engine, Not(Condition("mailed", "happened", {"days": 30})), fields) == rest
