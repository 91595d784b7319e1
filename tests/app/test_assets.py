"""The built assets as pages use them; needs `make assets`, as every page does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import nodes

from app.assets import DIST, MISSING, AssetError, Assets
from app.feature import House
from app.features import FEATURES

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates" / "pages").rglob("*.html"))


@pytest.fixture(scope="module")
def assets() -> Assets:
    built = Assets.read()
    assert built.built, MISSING
    return built


@pytest.fixture
def page() -> Iterator[None]:
    """A request to a bare app, for URLs."""
    with Flask("app").test_request_context():
        yield


def constants(node: nodes.Node) -> Iterator[str]:
    """The strings that an expression may come out as."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from constants(node.expr1)
        if node.expr2:
            yield from constants(node.expr2)


def icons_in(template: Path) -> Iterator[str]:
    tree = Flask("app").jinja_env.parse(template.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        name = call.node.attr if isinstance(call.node, nodes.Getattr) else getattr(call.node, "name", None)
        if name in ("icon", "empty_state", "mark") and call.args:
            yield from constants(call.args[0])
        for keyword in call.kwargs:
            if keyword.key in ("icon", "icon_name"):
                yield from constants(keyword.value)
    for pair in tree.find_all(nodes.Pair):
        if list(constants(pair.key)) == ["icon"]:
            yield from constants(pair.value)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_icon_of_a_template_is_in_the_sprite(template: Path, assets: Assets) -> None:
    assert set(icons_in(template)) <= assets.icons


def test_icons_are_found_in_both_arms_of_a_condition(tmp_path: Path) -> None:
    template = tmp_path / "page.html"
    template.write_text("{{ icon('sun' if day else 'moon') }}{{ ui.empty_state('mail', 'No mail', '') }}")
    assert set(icons_in(template)) == {"sun", "moon", "mail"}


def test_every_icon_of_an_event_kind_and_of_the_sidebar_is_in_the_sprite(assets: Assets) -> None:
    house = House(FEATURES)
    named = {kind.icon for kind in house.kinds.values()} | {entry.icon for entry in house.navigation}
    assert named <= assets.icons


def test_the_sprite_holds_exactly_the_icons_of_the_manifest(assets: Assets) -> None:
    sprite = (DIST / assets.files["icons.svg"]).read_text(encoding="utf-8")
    assert set(re.findall(r'<symbol id="([^"]+)"', sprite)) == assets.icons


@pytest.mark.usefixtures("page")
def test_an_asset_has_the_hashed_address_of_a_file_that_is_there(assets: Assets) -> None:
    for name in assets.files:
        address = assets.asset(name)
        assert re.fullmatch(r"/static/dist/\w+-[A-Za-z0-9]{8,}\.(js|css|svg)", address)
        assert (DIST / address.rpartition("/")[2]).is_file()


def test_an_unknown_asset_or_icon_is_refused_by_name(assets: Assets) -> None:
    with pytest.raises(AssetError, match=r"wrong\.js"):
        assets.asset("wrong.js")
    with pytest.raises(AssetError, match="no-such-icon"):
        assets.icon("no-such-icon")


@pytest.mark.usefixtures("page")
def test_an_icon_is_silent_unless_it_has_a_label(assets: Assets) -> None:
    assert 'aria-hidden="true"' in assets.icon("search")
    labelled = assets.icon("search", label='"find" & <b>')
    assert 'aria-label="&#34;find&#34; &amp; &lt;b&gt;"' in labelled
    assert "aria-hidden" not in labelled


def test_without_built_assets_pages_are_plain_and_the_log_says_what_to_type(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = Assets.read(tmp_path)
    assert not missing.built
    assert "make assets" in caplog.text
    assert missing.stylesheet("app.css") == missing.script("app.js") == missing.icon("mail") == ""
    assert "Mail" in missing.icon("mail", label="Mail")
    with pytest.raises(AssetError, match="make assets"):
        missing.asset("app.css")


def test_scripts_are_deferred_modules_unless_they_must_block(assets: Assets, page: None) -> None:
    assert 'type="module"' in assets.script("app.js")
    assert "module" not in assets.script("theme.js", blocking=True)


def test_built_styles_and_sprite_load_nothing_from_elsewhere(assets: Assets) -> None:
    for name in ("app.css", "public.css", "icons.svg", "logo.svg"):
        text = (DIST / assets.files[name]).read_text(encoding="utf-8")
        assert not re.search(r"""(url\(|@import|href=)\s*["']?(https?:)?//""", text), name


def test_pages_for_visitors_have_no_script_and_a_small_style(assets: Assets) -> None:
    assert (DIST / assets.files["public.css"]).stat().st_size < 5_000
    frame = (ROOT / "templates/pages/_layout/public.html").read_text(encoding="utf-8")
    assert "script" not in frame.partition("#}")[2]


def test_licence_texts_of_all_bundled_packages_ship_with_the_build() -> None:
    shipped = (DIST / "licenses.txt").read_text(encoding="utf-8")
    needed = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    build_only = {"esbuild"}
    assert {name for name in needed if f"{name} {needed[name]} (" not in shipped} == build_only


def test_versions_are_pinned_and_the_lock_names_no_address() -> None:
    needed = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in needed.values())
    assert "http" not in re.sub(r'"url": "[^"]*"', "", (ROOT / "package-lock.json").read_text(encoding="utf-8"))
