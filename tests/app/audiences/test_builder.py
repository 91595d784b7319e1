"""The builder's tree: no rule is lost on its way through the form, and no form can break the page (TRUST S5)."""

import json
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from app.audiences.builder import ROOT, Group, Mode, Row, act, from_rule, places
from app.audiences.builder_form import from_form
from app.audiences.reading import reader
from app.db import transaction
from app.errors import Invalid
from segments.rule import parse
from segments.vocabulary import Vocabulary
from tests import make
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("app")

GERMANY: dict[str, Any] = {"field": "country", "op": "is", "value": "DE"}


@pytest.fixture
def words(app: object) -> Vocabulary:
    with transaction() as session:
        make.topic(session)
        return reader(session, NOW).vocabulary


def form(*pairs: tuple[str, str]) -> MultiDict[str, str]:
    return MultiDict(pairs)


@pytest.mark.parametrize(
    "rule",
    [
        {"all": [GERMANY, {"any": [GERMANY, {"not": {"any": [GERMANY]}}]}]},
        {"not": {"any": [{"all": [GERMANY, {"any": []}]}]}},
        {"any": []},
    ],
)
def test_a_rule_of_groups_comes_back_from_the_tree_as_it_was(rule: dict[str, Any]) -> None:
    assert from_rule(parse(rule)).to_json() == rule


def test_other_negations_come_back_meaning_the_same() -> None:
    assert from_rule(parse({"not": {"all": [GERMANY]}})).to_json() == {"not": {"any": [{"all": [GERMANY]}]}}
    assert from_rule(parse(GERMANY)).to_json() == {"all": [GERMANY]}


@pytest.mark.parametrize(
    ("inputs", "condition"),
    [
        ({"field": "country", "op": "is", "value": "DE"}, GERMANY),
        ({"field": "first_name", "op": "is_any_of", "value": "Anna\r\n\r\nBerta "}, ("is_any_of", ["Anna", "Berta"])),
        ({"field": "clicks", "op": "between", "low": "2", "high": "3,5"}, ("between", [2, "3.5"])),
        ({"field": "last_clicked", "op": "within_days", "value": "30"}, ("within_days", 30)),
        ({"field": "last_clicked", "op": "is_empty"}, ("is_empty", None)),
        (
            {"field": "clicked", "op": "happened", "at_least": "2", "days": "", "campaign": ""},
            ("happened", {"at_least": 2}),
        ),
        ({"field": "birthday", "op": "in_month", "value": "5"}, ("in_month", 5)),
        ({"field": "tags", "op": "is", "was": "country", "value": "DE"}, ("has_any", None)),
        ({"field": "country", "op": "no such", "value": "DE"}, ("is", None)),
    ],
)
def test_a_row_of_the_form_is_a_condition(words: Vocabulary, inputs: dict[str, str], condition: Any) -> None:
    tree = from_form(form(*((f"n.0.{name}", value) for name, value in inputs.items())), words)
    (row,) = tree.nodes
    assert isinstance(row, Row)
    if isinstance(condition, dict):
        assert row.to_json() == condition
    else:
        assert (row.operator, row.value) == condition


def test_several_ticked_values_are_one_list(words: Vocabulary) -> None:
    given = [("n.0.field", "country"), ("n.0.op", "is_any_of"), ("n.0.value", "DE"), ("n.0.value", "AT")]
    assert from_form(form(*given), words).to_json() == {
        "all": [{"field": "country", "op": "is_any_of", "value": ["DE", "AT"]}]
    }


def test_rows_stand_in_the_order_of_their_numbers_also_with_gaps(words: Vocabulary) -> None:
    given = [("n.mode", "none"), ("n.10.field", "b"), ("n.2.mode", "any"), ("n.2.7.field", "a")]
    tree = from_form(form(*given), words)
    assert tree == Group(Mode.NONE, [Group(Mode.ANY, [Row("a")]), Row("b")])


@pytest.mark.parametrize(
    "names",
    [
        ["n." + ".".join("0" * 20) + ".field"],
        [f"n.{number}.field" for number in range(300)],
    ],
)
def test_a_form_larger_than_any_rule_is_refused(words: Vocabulary, names: list[str]) -> None:
    with pytest.raises(Invalid):
        from_form(form(*((name, "x") for name in names)), words)


@pytest.mark.parametrize(
    "inputs",
    [
        [("n.mode", "xor")],
        [("n.x.field", "country"), ("n..field", "y"), ("n.-1.field", "z"), ("n.99999.field", "y")],
        [("n.0.kept", "{not json")],
        [("n.0.kept", "[" * 10_000)],
        [("n.0.kept", '{"all": []}')],
        [("n.0.value", "lonely")],
    ],
)
def test_a_forged_form_is_read_as_nothing(words: Vocabulary, inputs: list[tuple[str, str]]) -> None:
    tree = from_form(form(*inputs), words)
    assert all(node == Row() for node in tree.nodes)


def test_a_condition_of_a_deleted_field_survives_editing(words: Vocabulary) -> None:
    gone = {"field": "custom.gone", "op": "is", "value": "x"}
    tree = from_form(form(("n.0.kept", json.dumps(gone))), words)
    assert tree.to_json() == {"all": [gone]}
    assert places(tree, words) == {"n.0": "there is no field “custom.gone”"}


def test_buttons_add_copy_and_remove() -> None:
    tree = Group(Mode.ALL, [Row("a"), Group(Mode.ANY, [Row("b")])])
    act(tree, "row:n.1")
    act(tree, "copy:n.1.0")
    act(tree, "remove:n.0")
    act(tree, f"group:{ROOT}")
    assert tree == Group(Mode.ALL, [Group(Mode.ANY, [Row("b"), Row("b"), Row()]), Group(Mode.ANY, [Row()])])
    before = tree.to_json()
    for nonsense in ("", "remove:n", "copy:n.9.9", "row:n.0.0", "burn:n.0", "remove:"):
        act(tree, nonsense)
    assert tree.to_json() == before


def test_a_copy_is_another_row() -> None:
    tree = Group(Mode.ALL, [Group(Mode.ANY, [Row("a")])])
    act(tree, "copy:n.0")
    act(tree, "remove:n.0.0")
    assert tree == Group(Mode.ALL, [Group(Mode.ANY, []), Group(Mode.ANY, [Row("a")])])


def test_empty_rows_are_not_counted() -> None:
    tree = Group(Mode.ALL, [Row("a"), Row(), Group(Mode.ANY, [Row()])])
    assert tree.filled() == Group(Mode.ALL, [Row("a")])
