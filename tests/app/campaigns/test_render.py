"""One person's mail from an Edition, and what happens when it cannot be made."""

from dataclasses import dataclass

import pytest

from app.campaigns.allowed import parse
from app.campaigns.compile import compile_edition
from app.campaigns.filters import Effort
from app.campaigns.inline import inline, read_html, to_html
from app.campaigns.layouts import Layout, layouts
from app.campaigns.lint import Draft, Level, lint
from app.campaigns.merge_tags import example_context
from app.campaigns.render import DirectUrls, Renderer, RenderFailed
from app.campaigns.sandbox import HTML

EVERY_LAYOUT = pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.name)


@dataclass(frozen=True)
class Tracked:
    """Marks what asks for tracking."""

    pixel: str = "https://t.de/open"
    prefix: str = "https://t.de/"

    def link(self, index: int) -> str:
        return f"https://t.de/{index}"

    def target(self, url: str) -> str:
        return f"to?{url}"


def test_links_lead_where_the_caller_says_in_both_parts() -> None:
    """L8"""
    edition = compile_edition(
        "S", "", '<a href="https://e.de">a</a> <a href="{{ u }}">b</a> <a href="{{ webview_url }}">c</a>'
    )
    rendered = Renderer(edition).render({"u": "https://p.de/x", "webview_url": "https://e.de/v"}, Tracked())
    for part in (rendered.html, rendered.text):
        assert "https://t.de/0" in part
        assert "https://t.de/to?https://p.de/x" in part
        assert "https://e.de/v" in part
    assert "https://t.de/open" in rendered.html
    assert "https://t.de/open" not in rendered.text


def test_a_mailto_made_of_values_is_never_tracked() -> None:
    edition = compile_edition("S", "", '<a href="mailto:{{ sender.address }}">a</a>')
    assert 'href="mailto:a@e.de"' in Renderer(edition).render({"sender": {"address": "a@e.de"}}, Tracked()).html


def test_a_subject_is_one_line_whatever_a_name_holds() -> None:
    """S3, R21"""
    edition = compile_edition("Hi {{ first_name }}!", "", "<p>x</p>")
    context = {"first_name": "Anna\r\nBcc: x@y.de\u2028\0"}
    assert Renderer(edition).render(context, DirectUrls(())).subject == "Hi Anna Bcc: x@y.de !"


def test_a_subject_is_not_escaped() -> None:
    edition = compile_edition("{{ first_name }}", "", "<p>x</p>")
    assert Renderer(edition).render({"first_name": "A & B"}, DirectUrls(())).subject == "A & B"


def test_a_failure_names_the_line_of_the_source() -> None:
    """Q12: the styles that inlining takes away do not shift it."""
    style = "<style>\np {\ncolor: red }\n</style>"
    source = f"<html><head>{style}</head>\n<body>\n<p>{{{{ 1 }}}}</p>\n<p>{{{{ 1 / zero }}}}</p>\n</body></html>"
    renderer = Renderer(compile_edition("S", "", source))
    with pytest.raises(RenderFailed) as caught:
        renderer.render({"zero": 0}, DirectUrls(()))
    assert caught.value.line == 7
    assert "division by zero" in caught.value.message.de


def test_one_failure_leaves_the_next_mail_alone() -> None:
    """S19, Q12"""
    renderer = Renderer(
        compile_edition("S", "", "{% for n in range(900) %}{% for m in many %}{{ x }}{% endfor %}{% endfor %}")
    )
    with pytest.raises(RenderFailed):
        renderer.render({"many": list(range(Effort().rounds)), "x": "secret"}, DirectUrls(()))
    assert "secret" not in renderer.render({"many": [1]}, DirectUrls(())).html


@EVERY_LAYOUT
def test_our_layouts_are_without_findings(layout: Layout) -> None:
    edition = compile_edition(layout.subject, layout.preheader, layout.html)
    assert lint(Draft(layout.subject, layout.preheader, layout.html, "Teehaus"), edition) == ()


@EVERY_LAYOUT
def test_our_layouts_need_no_foreign_host(layout: Layout) -> None:
    """L16: nothing is loaded but the person's product pictures."""
    edition = compile_edition(layout.subject, layout.preheader, layout.html)
    context = example_context() | {"products": [{"name": "Tee", "url": "https://e.de"}]}
    html = Renderer(edition).render(context, DirectUrls(edition.links)).html
    assert "src=" not in html
    assert "url(" not in html
    assert "@import" not in html


@EVERY_LAYOUT
def test_our_layouts_greet_a_person_without_anything(layout: Layout) -> None:
    edition = compile_edition(layout.subject, layout.preheader, layout.html)
    context = {"sender": {"name": "Teehaus", "imprint": "Lindenweg 4"}, "language": layout.language}
    rendered = Renderer(edition).render(context, DirectUrls(edition.links))
    assert ("liebe Leserin, lieber Leser" if layout.language == "de" else "dear reader") in rendered.html
    assert "Lindenweg 4" in rendered.text
    assert "None" not in rendered.html


@EVERY_LAYOUT
@pytest.mark.parametrize("tier", ["Loyal", "New"])
def test_compiling_first_and_filling_in_first_give_the_same_mail(layout: Layout, tier: str) -> None:
    context = example_context() | {"tier": tier}
    context["products"] = [{"name": f"Tee {n} <&>", "url": f"https://e.de/{n}?a=1&b=2", "price": n} for n in range(3)]
    edition = compile_edition("S", "", layout.html)
    fast = Renderer(edition).render(context, DirectUrls(edition.links)).html
    tree = read_html(HTML.from_string(parse(layout.html)).render(context))
    inline(tree)
    assert "".join(fast.split()) == "".join(to_html(tree).split())


def test_only_loyal_people_see_the_thanks() -> None:
    layout = next(layout for layout in layouts() if layout.name == "newsletter.en")
    renderer = Renderer(compile_edition(layout.subject, layout.preheader, layout.html))
    for tier, seen in (("Loyal", True), ("Reader", False), (None, False)):
        rendered = renderer.render(example_context() | {"tier": tier}, DirectUrls(("https://e.de",) * 9))
        assert ("Thank you for staying" in rendered.html) is seen
        assert ("Thank you for staying" in rendered.text) is seen


def test_levels_sort_blockers_first() -> None:
    assert sorted(Level) == [Level.BLOCK, Level.WARN]
