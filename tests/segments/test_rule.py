"""Rules from and to JSON: what is read, and what hostile input is told (TRUST.md S5)."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rule import MAX_DEPTH, All, Any, Condition, Not, Rule, RuleError, conditions, parse, to_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(max_size=8).filter(lambda text: text.isprintable())
)
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(["country", "score", "tags"]),
    st.sampled_from(["is", "has_any", "between"]),
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("abc"), SCALARS),
)
RULES: st.SearchStrategy[Rule] = st.recursive(
    CONDITIONS,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Any, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)


@given(RULES)
def test_a_rule_survives_the_way_through_json(rule: Rule) -> None:
    assert parse(json.loads(json.dumps(to_json(rule)))) == rule


def test_conditions_are_listed_with_their_place() -> None:
    rule = All((Condition("a", "is"), Not(Any((Condition("b", "is"), Condition("c", "is"))))))

    places = [(path, condition.field) for path, condition in conditions(rule)]

    assert places == [("all[0]", "a"), ("all[1].not.any[0]", "b"), ("all[1].not.any[1]", "c")]


LEAF = {"field": "country", "op": "is", "value": "DE"}


def nested(depth: int) -> dict[str, object]:
    rule: dict[str, object] = dict(LEAF)
    for _ in range(depth - 1):
        rule = {"not": rule}
    return rule


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ([], "", "object"),
        (None, "", "object"),
        ("country is DE", "", "object"),
        ({}, "", "expected"),
        ({"all": [], "any": []}, "", "expected"),
        ({"sql": "1=1"}, "", "expected"),
        ({1: 2}, "", "expected"),
        ({**LEAF, "raw": "1=1"}, "", "expected"),
        ({"field": "country"}, "", "expected"),
        ({"all": LEAF}, "all", "list"),
        ({"all": [LEAF, LEAF, 7]}, "all[2]", "object"),
        ({"not": {"any": [LEAF, {"not": []}]}}, "not.any[1].not", "object"),
        ({"all": [{**LEAF, "field": ["country"]}]}, "all[0].field", "text"),
        ({**LEAF, "op": None}, "op", "text"),
        ({**LEAF, "value": float("nan")}, "value", "number"),
        ({**LEAF, "value": [1, float("inf")]}, "value[1]", "number"),
        ({**LEAF, "value": "a\0b"}, "value", "character"),
        ({**LEAF, "value": "\ud800"}, "value", "character"),
        ({**LEAF, "value": "x" * 501}, "value", "longer"),
        ({**LEAF, "value": [["DE"]]}, "value[0]", "nested"),
        ({**LEAF, "value": {"a": {"b": 1}}}, "value.a", "nested"),
        ({**LEAF, "value": {1: 1}}, "value", "text"),
        ({**LEAF, "value": list(range(201))}, "value", "more than 200"),
        ({**LEAF, "value": object()}, "value", "nested"),
        ({"all": [{**LEAF, "value": list(range(200))}] * 11}, "all[10].value[0]", "more than 2000"),
        ({"any": [LEAF] * 200}, "any[199]", "more than 200"),
    ],
)
def test_hostile_json_is_refused_with_its_place(data: object, path: str, message: str) -> None:
    """S5."""
    with pytest.raises(RuleError) as refusal:
        parse(data)

    assert refusal.value.path == path
    assert message in refusal.value.message.en
    assert refusal.value.message.de != refusal.value.message.en


def test_groups_nest_sixteen_deep_and_no_deeper() -> None:
    assert parse(nested(MAX_DEPTH))
    with pytest.raises(RuleError, match="deeper than 16"):
        parse(nested(MAX_DEPTH + 1))


def test_monstrous_rules_are_refused_in_no_time() -> None:
    """S5: a thousand levels, and ten megabytes in one value."""
    started = time.monotonic()
    for monster in (nested(1000), {**LEAF, "value": "x" * 10_000_000}, {"all": [LEAF] * 100_000}):
        with pytest.raises(RuleError):
            parse(monster)

    assert time.monotonic() - started < 1
