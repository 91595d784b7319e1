"""docs/segments.md names every word of the vocabulary, as the builder says it, and every operator."""

import re
from pathlib import Path

from apiflask import APIFlask

from app.db import reading, transaction, utc_now
from app.feature import house
from segments.operators import OPERATIONS
from segments.vocabulary import Field

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "segments.md").read_text()


def _vocabulary(app: APIFlask) -> list[Field]:
    with transaction() as session:
        house().write_defaults(session, utc_now())
    with reading() as session:
        return list(house().vocabulary(session))


def test_every_field_is_documented_with_its_labels_and_type(app: APIFlask) -> None:
    fields = _vocabulary(app)
    assert len(fields) > 30
    for field in fields:
        row = f"| `{field.name}` | {field.label.en} · {field.label.de} | {field.type} |"
        assert row in DOCUMENTED, row


def test_every_documented_field_stands_beneath_its_group(app: APIFlask) -> None:
    sections = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##)", DOCUMENTED, re.MULTILINE | re.DOTALL))
    documented = {
        name: heading for heading, text in sections.items() for name in re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    }
    assert documented == {field.name: field.group.label.en for field in _vocabulary(app)}


def test_every_operator_is_documented_at_its_type() -> None:
    rows = re.findall(
        r"^\|([a-z, ]*)\| (`.+?`) \| .* \|$", DOCUMENTED[DOCUMENTED.index("## What can be said") :], re.MULTILINE
    )
    said: dict[str, set[str]] = {}
    types: list[str] = []
    for named, operators in rows:
        types = named.strip().split(", ") if named.strip() else types
        for type_ in types:
            said.setdefault(type_, set()).update(re.findall(r"`(\w+)`", operators))
    assert said == {type_.value: {str(name) for name in operations} for type_, operations in OPERATIONS.items()}
