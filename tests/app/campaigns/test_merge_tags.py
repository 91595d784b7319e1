"""The list of merge tags, and finding them in templates."""

import pytest

from app.campaigns.allowed import parse
from app.campaigns.compile import compile_edition
from app.campaigns.merge_tags import MERGE_TAGS, example_context, used_tags
from app.campaigns.render import DirectUrls, Renderer


@pytest.mark.parametrize("tag", MERGE_TAGS, ids=lambda tag: tag.name)
def test_what_the_editor_inserts_prints_the_example(tag) -> None:
    edition = compile_edition("S", "", f"<p>{tag.source}</p>")
    rendered = Renderer(edition).render(example_context(), DirectUrls(()))
    expected = ", ".join(tag.example) if isinstance(tag.example, list) else str(tag.example)
    assert rendered.text.strip() == expected
    assert not rendered.missing


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("{{ first_name }}", [("first_name", False)]),
        ("{{ first_name|upper|default('x') }}", [("first_name", True)]),
        ("{{ a.b['c'].d }}", [("a.b.c.d", False)]),
        ("{% for p in products[:3] %}{{ p.name }}{% endfor %}", [("products", True), ("products[].name", False)]),
        (
            "{% for p in a.list %}{% for q in p.inner %}{{ q.x }}{% endfor %}{% endfor %}",
            [("a.list", True), ("a.list[].inner", True), ("a.list[].inner[].x", False)],
        ),
        ("{% if tier %}{{ tier }}{% else %}{{ tier }}{% endif %}", [("tier", True), ("tier", True), ("tier", False)]),
        ("{% set who = name %}{{ who }}{{ loop }}{% for n in range(2) %}{{ n }}{% endfor %}", [("name", True)]),
        ("{{ 'a' ~ score }}{{ loops }}", [("score", False), ("loops", False)]),
    ],
)
def test_uses_are_found_with_loops_and_guards(source: str, uses: list[tuple[str, bool]]) -> None:
    assert [(use.name, use.guarded) for use in used_tags(parse(source))] == uses


def test_each_name_stands_once_with_both_languages() -> None:
    names = [tag.name for tag in MERGE_TAGS]
    assert len(names) == len(set(names))
    assert all(tag.label.en and tag.label.de for tag in MERGE_TAGS)
