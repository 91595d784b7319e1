"""What holds for all people of a file: why they may be mailed, what may be learnt of them, where they are put.

Without a basis nobody of the file can be mailed (TRUST L5); tracking has a basis of its own (TRUST L8).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from app.importing.models import Import
from app.subscribers.models import Basis, Topic, TrackingMode
from app.subscribers.topics import topics
from app.subscribers.values import clean


class Existing(StrEnum):
    """What a filled cell may do to a person who is here already."""

    UPDATE = "update"
    KEEP = "keep"


class Options(BaseModel):
    """Chosen once per file."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"basis": "double_opt_in_elsewhere", "tracking": "none", "tags": ["fair 2026"]}},
    )

    basis: Basis | None = None
    tracking: TrackingMode = TrackingMode.NONE
    tracking_basis: Basis | None = None
    topics: list[int] = Field(default_factory=list, max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=100)
    existing: Existing = Existing.UPDATE

    @field_validator("basis", "tracking_basis", mode="before")
    @classmethod
    def _nothing(cls, value: object) -> object:
        return value or None

    @field_validator("tags", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        words = value.split(",") if isinstance(value, str) else value
        return [word for each in words if (word := clean(str(each))[:100])] if isinstance(words, list) else words

    @model_validator(mode="after")
    def _has_reasons(self) -> "Options":
        if Basis.DOUBLE_OPT_IN in {self.basis, self.tracking_basis}:
            raise ValueError("double_opt_in is what happens here; a file can have double_opt_in_elsewhere")
        if self.tracking is TrackingMode.PERSONAL and self.tracking_basis is None:
            raise ValueError("personal tracking needs a basis of its own")
        return self


def chosen(session: Session, import_: Import) -> Options:
    """What was chosen for an import; topics that are gone are left out, the others stay until it is committed."""
    options = Options.model_validate(import_.options)
    lasting = select(Topic.id).where(Topic.id.in_(options.topics)).with_for_update(read=True, key_share=True)
    options.topics = sorted(session.scalars(lasting)) if options.topics else []
    return options


_BASES = [
    SelectChoice("", _l("There is no reason yet: they are kept as “pending” and get no mail")),
    SelectChoice(
        "double_opt_in_elsewhere", _l("They confirmed their subscription elsewhere (double opt-in in another tool)")
    ),
    SelectChoice(
        "existing_customer",
        _l("They are customers, were told about the newsletter when they bought, and did not object"),
    ),
    SelectChoice("manual", _l("They agreed in another way, for example on paper; I can prove it")),
]
_TRACKING_BASES = [SelectChoice("", _l("There is no reason")), _BASES[1], _BASES[3]]


class OptionsForm(FlaskForm):
    """The same, as a page asks for it."""

    basis = RadioField(
        _l("Why may these people be mailed?"),
        choices=_BASES,
        description=_l("The answer is kept as proof with every person of the file."),
    )
    topics = SelectMultipleField(
        _l("Topics they subscribe to"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Somebody who once left a topic is not subscribed to it again."),
    )
    tags = StringField(_l("Tags for all of them"), description=_l("Separated by commas, for example: trade fair 2026"))
    existing = RadioField(
        _l("People who are here already"),
        choices=[
            SelectChoice("update", _l("Filled cells replace what we know; empty cells change nothing")),
            SelectChoice("keep", _l("Nothing is overwritten; cells only fill what is empty")),
        ],
        description=_l("People who unsubscribed, bounced or complained stay out of your mailings in any case."),
    )
    tracking = RadioField(
        _l("What may be learnt from their opens and clicks?"),
        choices=[
            SelectChoice("none", _l("Nothing")),
            SelectChoice("aggregate", _l("Only totals per campaign")),
            SelectChoice("personal", _l("What each of them opens and clicks, for scores and segments")),
        ],
        description=_l("Only new people get this setting. Agreeing to a newsletter is not agreeing to be tracked."),
    )
    tracking_basis = RadioField(_l("Why may each of them be tracked?"), choices=_TRACKING_BASES)

    def validate_tracking_basis(self, field: RadioField) -> None:
        """Personal tracking needs consent of its own."""
        if self.tracking.data == TrackingMode.PERSONAL and not field.data:
            field.errors = [*field.errors, _("Say why, or choose another kind of tracking.")]


def make_form(session: Session, options: Mapping[str, Any]) -> OptionsForm:
    """The form, filled with what was chosen before."""
    given = {**options, "basis": options.get("basis") or "", "tracking_basis": options.get("tracking_basis") or ""}
    form = OptionsForm(data={**given, "tags": ", ".join(options.get("tags", ()))})
    form.topics.choices = [SelectChoice(str(topic.id), topic.name) for topic in topics(session)]
    return form
