"""docs/campaigns.md names every merge tag, filter and line of the checklist, and none that is not there."""

import re
from pathlib import Path

from app.campaigns.filters import FILTERS
from app.campaigns.merge_tags import MERGE_TAGS
from app.campaigns.models import CampaignState, CrashPolicy

ROOT = Path(__file__).parents[2]
DOCUMENTED = (ROOT / "docs" / "campaigns.md").read_text()


def _first_cells(heading: str) -> list[str]:
    """The words in backticks that begin the rows beneath a heading."""
    section = DOCUMENTED.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [
        word for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall(r"`(.+?)`", cell)
    ]


def test_every_merge_tag_is_documented() -> None:
    rows = re.findall(r"^\| `([\w.\[\]]+)` \|.*\| (yes)? ?\|$", DOCUMENTED, re.MULTILINE)
    assert {(name, bool(is_optional)) for name, is_optional in rows} == {(tag.name, tag.optional) for tag in MERGE_TAGS}
    assert "attributes.<key>" in _first_cells("Merge tags")


def test_every_filter_is_documented() -> None:
    assert set(_first_cells("Fallbacks, conditions, loops")) == {*FILTERS, "e"}


def test_every_line_of_the_checklist_is_documented_with_what_it_does() -> None:
    source = "".join((ROOT / "app" / "campaigns" / name).read_text() for name in ("lint.py", "preflight.py"))
    found = re.findall(r"Finding\(\s*Level\.(\w+), (.+?), ", source)
    levels = {code: level == "BLOCK" for level, codes in found for code in re.findall(r'"([a-z-]+)"', codes)}
    section = DOCUMENTED.partition("## Checklist\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .+ \| (yes)? ?\| (`.+`) \|$", section, re.MULTILINE)
    documented = {code: bool(blocks) for blocks, codes in rows for code in re.findall(r"`(.+?)`", codes)}
    assert documented == levels
    assert len(levels) > 15


def test_every_state_and_policy_is_documented() -> None:
    for word in (*CampaignState, *CrashPolicy):
        assert f"`{word}`" in DOCUMENTED, word
