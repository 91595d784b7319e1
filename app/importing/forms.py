"""What pages of imports send."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from app.feature import house

_COLUMN, _FORMAT = "column-", "format-"


class UploadForm(FlaskForm):
    """A file, and what is in it."""

    kind = RadioField(_l("What is in the file?"))
    file = FileField(_l("CSV file"), validators=[FileRequired(_l("Choose a file."))])


def upload_form(kind: str | None = None) -> UploadForm:
    """The form with every kind that features offer."""
    importers = house().importers
    form = UploadForm(data={"kind": kind if kind in importers else next(iter(importers), None)})
    form.kind.choices = [SelectChoice(each.kind, f"{each.label}: {each.description}") for each in importers.values()]
    return form


def chosen_columns(sent: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The mapping and the formats out of the fields `column-0`, `format-0`, …"""
    return _numbered(sent, _COLUMN), _numbered(sent, _FORMAT)


def _numbered(sent: Mapping[str, Any], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in sent.items() if name.startswith(prefix) and value}
