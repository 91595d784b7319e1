"""What is chosen once for a whole file of answers: nothing."""

from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session


class Options(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {}})


class OptionsForm(FlaskForm):
    """The same, as a page asks for it."""


def make_form(session: Session, options: Mapping[str, Any]) -> OptionsForm:  # noqa: ARG001 - the verb's shape
    """The form without a question."""
    return OptionsForm()
