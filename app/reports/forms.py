"""What marketers say that reports mean."""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DecimalField, IntegerField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from app.errors import Invalid
from app.reports.definitions import Definitions, Lost

_DAYS = [InputRequired(), NumberRange(1, 3650)]


class DefinitionForm(FlaskForm):
    """The definitions; money in whole units."""

    active_days = IntegerField(_l("Active for, in days"), [InputRequired(), NumberRange(1, 1000)])
    lost_when = SelectMultipleField(
        _l("Lost is who"),
        choices=[
            SelectChoice(Lost.SILENT.value, _l("did not click, buy or confirm for that long")),
            SelectChoice(Lost.UNSUBSCRIBED.value, _l("unsubscribed, bounced, complained or was erased")),
            SelectChoice(Lost.SUBSCRIPTION_ENDED.value, _l("has no topic left that lasts")),
        ],
        option_widget=CheckboxInput(),
        widget=ListWidget(),
    )
    repeat_times = IntegerField(
        _l("Bought again means at least so many purchases"), [InputRequired(), NumberRange(2, 20)]
    )
    acquisition_cost = DecimalField(_l("What it costs to win a customer"), [InputRequired(), NumberRange(0, 1_000_000)])
    new_days = IntegerField(_l("New for, in days"), _DAYS)
    cooling_days = IntegerField(_l("Cooling until, in days of silence"), _DAYS)
    sleeping_days = IntegerField(_l("Sleeping until, in days of silence"), _DAYS)

    @classmethod
    def of(cls, meant: Definitions) -> "DefinitionForm":
        """Filled with what is in force."""
        return cls(
            active_days=meant.active_days,
            lost_when=[each.value for each in meant.lost_when],
            repeat_times=meant.repeat_times,
            acquisition_cost=Decimal(meant.acquisition_cost) / 100,
            new_days=meant.ladder.new,
            cooling_days=meant.ladder.cooling,
            sleeping_days=meant.ladder.sleeping,
        )

    def chosen(self) -> dict[str, Any]:
        """What was chosen, money in minor units."""
        values = {name: value for name, value in self.data.items() if name != "csrf_token"}
        return {**values, "acquisition_cost": round(values["acquisition_cost"] * 100)}

    def refuse(self, refusal: Invalid) -> None:
        """Say it at the fields it is about."""
        for name, message in refusal.places.items():
            self[name].errors = [*self[name].errors, message]
