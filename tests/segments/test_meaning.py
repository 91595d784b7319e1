"""Words that mean rules: put in their place, and refused where they lead in a circle or grow too large (S5)."""

import time

import pytest

from segments.label import Label
from segments.meaning import expanded
from segments.rule import All, Any, Condition, Not, Rule, RuleError
from segments.sample import in_sample
from segments.vocabulary import Field, FieldType, Vocabulary
from segments.where import where
from tests.segments.people import BERLIN, NOW, VOCABULARY

VIP = Condition("vip", "is_true")


def words(rules: dict[str, Rule]) -> Vocabulary:
    choices = tuple((key, Label(f"Segment {key}", f"Segment {key}")) for key in rules)
    return Vocabulary(
        [VOCABULARY["vip"], Field("in", Label("in", "in"), FieldType.LIST, choices=choices, means=rules.get)]
    )


def says(*keys: str, op: str = "has_any") -> Rule:
    return Condition("in", op, list(keys))


def test_a_word_that_means_a_rule_is_replaced_by_it() -> None:
    known = words({"a": VIP, "b": Not(says("a"))})

    assert expanded(says("b"), known) == Any((Not(Any((VIP,))),))
    assert expanded(says("a", "b", op="has_all"), known) == All((VIP, Not(Any((VIP,)))))
    assert expanded(says("a", "gone", op="has_none"), known) == Not(Any((VIP, Any(()))))


@pytest.mark.parametrize("rules", [{"a": says("a")}, {"a": says("b"), "b": All((VIP, Not(says("c")))), "c": says("a")}])
def test_a_circle_is_refused_with_a_sentence(rules: dict[str, Rule]) -> None:
    with pytest.raises(RuleError, match="leads back to itself through “Segment a”"):
        where(says("a"), words(rules), NOW, BERLIN)


def test_what_grows_on_the_way_is_refused_in_no_time() -> None:
    """S5: thirty segments, each naming the one before it twice, would mean a billion conditions."""
    rules: dict[str, Rule] = {"0": VIP}
    for number in range(1, 31):
        rules[str(number)] = All((says(str(number - 1)), Not(says(str(number - 1)))))
    started = time.process_time()

    for key in ("30", "12"):
        with pytest.raises(RuleError, match="too large"):
            where(says(key), words(rules), NOW, BERLIN)
    assert time.process_time() - started < 1


def test_a_sample_is_as_large_as_asked_and_another_for_every_seed() -> None:
    people = range(1, 20_001)
    first, second = ({each for each in people if in_sample(each, 1_000, seed)} for seed in (1, 2))

    # Ten percent of 20,000 is 2,000 with a deviation of 42; of both samples at once 200 with one of 14.
    assert abs(len(first) - 2_000) < 6 * 42
    assert abs(len(first & second) - 200) < 6 * 14
    assert first == {each for each in people if in_sample(each, 1_000, 1)}
    assert first <= {each for each in people if in_sample(each, 2_000, 1)}
    assert all(in_sample(each, 10_000, 3) for each in people)
