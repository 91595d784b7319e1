"""What is chosen once for a whole file of orders."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice


class Unknown(StrEnum):
    """What becomes of an order whose customer is not here."""

    REJECT = "reject"
    CREATE = "create"


class Options(BaseModel):
    """Chosen once per file."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"unknown": "create"}})

    unknown: Unknown = Unknown.REJECT


class OptionsForm(FlaskForm):
    """The same, as a page asks for it."""

    unknown = RadioField(
        _l("Customers who are not here yet"),
        choices=[
            SelectChoice("reject", _l("Leave their orders out and list them")),
            SelectChoice("create", _l("Keep them as pending people: counted, but not mailed until they agree")),
        ],
        description=_l("Having bought something is not yet agreeing to a newsletter."),
    )


def make_form(session: Session, options: Mapping[str, Any]) -> OptionsForm:  # noqa: ARG001 - the verb's shape
    """The form, filled with what was chosen before."""
    return OptionsForm(data=dict(options))
