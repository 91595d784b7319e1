"""What a new campaign can begin with: the layouts that ship in `templates/emails/`, read once."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wtforms.fields.choices import SelectChoice

from app.i18n import language
from segments.label import Label

_FOLDER = Path(__file__).parent.parent.parent / "templates" / "emails"
_LANGUAGES = {"en": "English", "de": "Deutsch"}


@dataclass(frozen=True, slots=True)
class Layout:
    """A mail to start from; `name` is `newsletter.de`."""

    name: str
    title: Label
    description: Label
    language: str
    subject: str
    preheader: str
    html: str

    @property
    def choice(self) -> SelectChoice:
        """A line of a form's choice."""
        return SelectChoice(self.name, f"{self.title(language())} · {_LANGUAGES[self.language]}")


@cache
def layouts() -> tuple[Layout, ...]:
    """All layouts, in the order of the list."""
    listed = json.loads((_FOLDER / "layouts.json").read_text(encoding="utf-8"))
    return tuple(_read(entry, code, words) for entry in listed for code, words in entry["languages"].items())


def find_layout(name: str | None) -> Layout | None:
    """The layout of that name."""
    return next((layout for layout in layouts() if layout.name == name), None)


def _read(entry: dict[str, Any], code: str, words: dict[str, str]) -> Layout:
    name = f"{entry['name']}.{code}"
    return Layout(
        name=name,
        title=Label(**entry["title"]),
        description=Label(**entry["description"]),
        language=code,
        subject=words["subject"],
        preheader=words["preheader"],
        html=(_FOLDER / f"{name}.html").read_text(encoding="utf-8"),
    )
