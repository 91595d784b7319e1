"""What a vocabulary accepts, and the place and the words of its refusals (TRUST.md S5)."""

from typing import Any

import pytest

from segments.operators import OPERATIONS
from segments.rule import MAX_NODES, All, Condition, Not, RuleError, parse
from segments.vocabulary import FieldType, Group, Vocabulary
from tests.segments.people import VOCABULARY


def test_fields_are_found_by_name_and_listed_by_group() -> None:
    assert VOCABULARY["tier"].label("de") == "Stufe"
    assert "tier" in VOCABULARY
    assert "age" not in VOCABULARY
    assert len(VOCABULARY) == len(list(VOCABULARY)) == 18
    groups = VOCABULARY.grouped()
    assert list(groups) == [
        Group.PROFILE,
        Group.CUSTOM,
        Group.TAGS_AND_TOPICS,
        Group.EMAIL,
        Group.PURCHASES,
        Group.SCORE_AND_TIER,
    ]
    assert [each.name for each in groups[Group.EMAIL]] == ["clicked_at", "clicked"]
    assert [each.name for each in VOCABULARY] == [each.name for group in groups.values() for each in group]


def test_an_unknown_word_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        VOCABULARY["age"]


def test_two_fields_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="'tier' is in the vocabulary twice"):
        Vocabulary([VOCABULARY["tier"], VOCABULARY["vip"], VOCABULARY["tier"]])


def test_every_type_has_operators_and_every_group_a_name() -> None:
    assert set(OPERATIONS) == set(FieldType)
    assert all(group.label.en and group.label.de for group in Group)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("name", "is_any_of", ["Anna", "Jörg"]),
        ("orders", "between", [1, "2.5"]),
        ("orders", "equals", 10**15),
        ("spent", "at_least", "19.90"),
        ("spent", "at_least", 19.9),
        ("since", "on", "2024-02-29"),
        ("clicked_at", "within_days", 36_500),
        ("birthday", "in_next_days", 365),
        ("tier", "is", 3),
        ("clicked", "happened", {}),
        ("clicked", "not_happened", {"at_least": 3, "days": None, "campaign": 9}),
    ],
)
def test_what_fits_is_accepted(field: str, operator: str, value: Any) -> None:
    VOCABULARY.check(Condition(field, operator, value))


@pytest.mark.parametrize(
    ("field", "operator", "value", "path", "message"),
    [
        ("age", "is", "x", "field", "there is no field “age”"),
        ("country", "contains", "D", "op", "cannot be said of “country”"),
        ("name", "raw", "1=1", "op", "cannot be said"),
        ("name", "is", None, "value", "must be a text"),
        ("name", "is", "", "value", "must be a text"),
        ("name", "is", 7, "value", "must be a text"),
        ("name", "is_empty", "x", "value", "takes no value"),
        ("name", "is_any_of", [], "value", "at least one"),
        ("name", "is_any_of", "Anna", "value", "at least one"),
        ("name", "is_any_of", ["Anna", None], "value[1]", "must be a text"),
        ("orders", "equals", True, "value", "must be a number"),
        ("orders", "equals", "many", "value", "must be a number"),
        ("orders", "equals", "NaN", "value", "must be a number"),
        ("orders", "equals", "1e999", "value", "must be a number"),
        ("orders", "equals", 10**20, "value", "must be a number"),
        ("orders", "equals", "0." + "1" * 30, "value", "must be a number"),
        ("orders", "equals", [1], "value", "must be a number"),
        ("orders", "between", [1], "value", "two values"),
        ("orders", "between", [1, 2, 3], "value", "two values"),
        ("orders", "between", [1, "x"], "value[1]", "must be a number"),
        ("orders", "between", [3, 2], "value", "below the first"),
        ("spent", "at_least", "1.234", "value", "more than two decimals"),
        ("since", "on", "30.03.2026", "value", "YYYY-MM-DD"),
        ("since", "on", "20260330", "value", "YYYY-MM-DD"),
        ("since", "on", "2026-W14-1", "value", "YYYY-MM-DD"),
        ("since", "on", "2026-02-29", "value", "YYYY-MM-DD"),
        ("since", "on", "0001-01-01", "value", "YYYY-MM-DD"),
        ("clicked_at", "after", 20260330, "value", "YYYY-MM-DD"),
        ("clicked_at", "between", ["2026-03-02", "2026-03-01"], "value", "below the first"),
        ("clicked_at", "within_days", 0, "value", "from 1 to 36500"),
        ("clicked_at", "within_days", 36_501, "value", "from 1 to 36500"),
        ("clicked_at", "within_days", 1.5, "value", "whole number"),
        ("birthday", "in_next_days", 366, "value", "from 1 to 365"),
        ("birthday", "in_month", 13, "value", "from 1 to 12"),
        ("country", "is", "XX", "value", "“XX” is no value of “country”"),
        ("country", "is_none_of", ["DE", "XX"], "value", "“XX” is no value"),
        ("tier", "is", True, "value", "must be a text"),
        ("tier", "is", 2**63, "value", "must be a text"),
        ("clicked", "happened", None, "value", "must be an object"),
        ("clicked", "happened", {"times": 3}, "value", "must be an object"),
        ("clicked", "happened", {"at_least": 0}, "value.at_least", "from 1"),
        ("clicked", "happened", {"days": "30"}, "value.days", "whole number"),
        ("clicked", "happened", {"campaign": "Spring"}, "value.campaign", "whole number"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    field: str, operator: str, value: Any, path: str, message: str
) -> None:
    """S5."""
    rule = All((Condition("vip", "is_true"), Not(Condition(field, operator, value))))

    with pytest.raises(RuleError) as refusal:
        VOCABULARY.check(rule)

    assert refusal.value.path == f"all[1].not.{path}"
    assert message in refusal.value.message("en")
    assert refusal.value.message("de") != refusal.value.message("en")


def test_the_largest_rule_is_checked() -> None:
    rule = parse({"any": [{"field": "vip", "op": "is_true"}] * (MAX_NODES - 1)})

    VOCABULARY.check(rule)


def test_a_number_too_long_to_be_printed_is_refused() -> None:
    with pytest.raises(RuleError, match="must be a number"):
        VOCABULARY.check(Condition("orders", "equals", 10**5000))
