"""docs/reports.md explains every column of a segment's report, every presence, and every formula that is in use."""

import inspect
from pathlib import Path

from app.reports.presence import Presence
from app.reports.scope import SMALLEST_GROUP
from app.reports.tables import _SEGMENT_COLUMNS
from app.tracking.verdict import RULESET
from segments import kpi

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()


def test_every_column_of_a_segments_csv_is_documented() -> None:
    for column in _SEGMENT_COLUMNS:
        assert f"`{column}`" in DOCUMENTED, column


def test_every_formula_is_documented() -> None:
    formulas = [name for name, value in inspect.getmembers(kpi, inspect.isfunction) if not name.startswith("_")]
    assert len(formulas) > 3
    for name in formulas:
        assert f"| {name.replace('_', ' ').capitalize()} |" in DOCUMENTED, name


def test_every_definition_of_being_there_is_documented() -> None:
    for presence in Presence:
        assert f"| `{presence}`" in DOCUMENTED, presence


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    assert f"fewer than {SMALLEST_GROUP} people measured" in DOCUMENTED
    assert f"Rule set {RULESET}, " in DOCUMENTED
