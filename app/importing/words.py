"""How pages speak of imports: states, columns to choose from, notations to choose from."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import ValidationError

from app.importing.columns import NEW
from app.importing.importer import Column, Importer, Writing
from app.importing.models import Import, ImportState

_STATES = {
    ImportState.UPLOADED: (_l("Uploaded"), "secondary"),
    ImportState.CHECKING: (_l("Checking"), "blue"),
    ImportState.CHECKED: (_l("Checked"), "azure"),
    ImportState.RUNNING: (_l("Running"), "blue"),
    ImportState.DONE: (_l("Done"), "green"),
    ImportState.UNDOING: (_l("Being undone"), "orange"),
    ImportState.UNDONE: (_l("Undone"), "secondary"),
    ImportState.FAILED: (_l("Failed"), "red"),
    ImportState.CANCELLED: (_l("Stopped"), "secondary"),
}


def shown_state(import_: Import) -> tuple[Any, str]:
    """Its label and the colour of its pill."""
    return _STATES[import_.state]


def column_choices(importer: Importer, columns: Sequence[Column]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (value, label): ignore, our columns, new ones."""
    ours = [(each.name, f"{each.label} *" if each.required else str(each.label)) for each in columns]
    new = [(NEW + kind, _("New field: %(kind)s", kind=label)) for kind, label in importer.new_kinds]
    groups = [("", [("", _("Leave out"))]), (_("Known"), ours), (_("New"), new)]
    return [(title, choices) for title, choices in groups if choices]


def writing_of(columns: Sequence[Column]) -> dict[str, str]:
    """Which of our columns can be written in two ways."""
    return {each.name: each.writing.value for each in columns if each.writing is not Writing.PLAIN}


def format_choices() -> dict[str, list[tuple[str, str]]]:
    """What can be chosen for them."""
    found = ("", _("Find out from the whole column"))
    return {
        "dates": [found, ("dmy", _("Day first: 31/12/2026")), ("mdy", _("Month first: 12/31/2026"))],
        "numbers": [found, (",", _("Decimal comma: 1.234,50")), (".", _("Decimal point: 1,234.50"))],
    }


def problem_of(error: ValidationError) -> str:
    """The first thing that is wrong with options, as a sentence."""
    first = error.errors()[0]
    return str(first["msg"]).removeprefix("Value error, ")
