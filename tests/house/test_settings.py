"""The settings and their documentation say the same."""

import re
from pathlib import Path

from app.config import SETTINGS

TABLE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documented_settings_are_the_ones_that_are_read() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", TABLE.read_text(), re.MULTILINE)
    assert tuple(documented) == SETTINGS
