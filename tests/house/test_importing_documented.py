"""docs/importing.md names every column that files are known by, with all its names, and each word for a status."""

import re
from pathlib import Path

import pytest
from apiflask import APIFlask

from app.db import reading
from app.feature import house
from app.subscribers.importing.columns import _STATUS
from app.subscribers.models import Basis

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()


def _section(heading: str) -> str:
    return DOCUMENTED.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("subscribers", "People: the columns"),
        ("orders", "Orders: the columns"),
        ("answers", "Answers: the columns"),
    ],
)
def test_every_column_is_documented_with_all_its_names(app: APIFlask, kind: str, heading: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", _section(heading), re.MULTILINE))
    with reading() as session:
        columns = house().importers[kind].columns(session)
    assert rows == {column.name: ", ".join(column.aliases) for column in columns}


def test_every_word_for_a_status_is_documented() -> None:
    for status, words in _STATUS.items():
        assert f"| {status} | {', '.join(words.split())} |" in DOCUMENTED, status


def test_every_basis_that_a_file_can_have_is_documented() -> None:
    for basis in set(Basis) - {Basis.DOUBLE_OPT_IN}:
        assert f"| `{basis}` |" in DOCUMENTED, basis
