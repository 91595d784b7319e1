"""Input shapes of setup and settings."""

from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from app.i18n import LOCALES

_LANGUAGES = {"en": "English", "de": "Deutsch"}
# Amounts are kept in hundredths, so currencies without cents cannot be offered.
_WITHOUT_CENTS = {
    "JPY",
    "KRW",
    "ISK",
    "HUF",
    "CLP",
    "VND",
    "PYG",
    "UGX",
    "XAF",
    "XOF",
    "XPF",
    "KWD",
    "BHD",
    "TND",
}


def currencies() -> list[str]:
    """The currencies that somebody pays with today, the likeliest first."""
    likely = ["EUR", "CHF", "USD", "GBP"]
    in_use = {
        code
        for uses in get_global("territory_currencies").values()
        for code, _since, until, is_tender in uses
        if until is None and is_tender
    }
    return likely + sorted(in_use - _WITHOUT_CENTS - set(likely))


def time_zones() -> list[str]:
    """Places and UTC, without the aliases and left-overs of the database."""
    return ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))]


def check_address(_form: FlaskForm, field: Field) -> None:
    """Syntax only: whether the domain takes mail is the relay's to find out."""
    try:
        validate_email(field.data or "", check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationError(_l("This is not an email address.")) from error


def check_header(_form: FlaskForm, field: Field) -> None:
    """What goes into a mail header is one line (TRUST R21)."""
    if any(ord(character) < 32 or character in "\u2028\u2029\x85\x7f" for character in field.data or ""):
        raise ValidationError(_l("Please use one line without control characters."))


class OrganisationForm(FlaskForm):
    """Name, language, zone and currency."""

    organisation = StringField(_l("Name of your organisation"), [DataRequired(), Length(max=200), check_header])
    locale = SelectField(_l("Language"), choices=[SelectChoice(code, _LANGUAGES[code]) for code in LOCALES])
    time_zone = SelectField(
        _l("Time zone"),
        choices=[SelectChoice(zone) for zone in time_zones()],
        default="Europe/Berlin",
    )
    currency = SelectField(_l("Currency"), choices=[SelectChoice(code) for code in currencies()])


class SettingsForm(OrganisationForm):
    """What is asked after the first-run setup: also the limit that keeps people from getting too much mail."""

    cap_campaigns = IntegerField(_l("At most so many campaigns …"), [Optional(), NumberRange(1, 100)])
    cap_days = IntegerField(_l("… in so many days"), [Optional(), NumberRange(1, 365)])

    def validate(self, extra_validators: Any = None) -> bool:
        """Both numbers or neither."""
        is_valid: bool = super().validate(extra_validators)
        if (self.cap_campaigns.data is None) is not (self.cap_days.data is None):
            self.cap_days.errors = [_("Fill in both numbers, or neither.")]
            return False
        return is_valid


class SenderForm(FlaskForm):
    """A sender identity."""

    sender_name = StringField(_l("Sender name"), [DataRequired(), Length(max=200), check_header])
    sender_address = StringField(_l("Sender address"), [DataRequired(), Length(max=320), check_address])
    reply_to = StringField(_l("Replies go to"), [Optional(), Length(max=320), check_address])
    imprint = TextAreaField(_l("Imprint"), [DataRequired(), Length(min=20, max=4000)])


class SetupForm(OrganisationForm, SenderForm):
    """The first run."""

    email = StringField(_l("Your email address"), [DataRequired(), Length(max=320), check_address])
    password = PasswordField(_l("Password"), [DataRequired(), Length(min=10, max=200)])


class KeyForm(FlaskForm):
    """A new API key."""

    name = StringField(_l("What is it for?"), [DataRequired(), Length(max=200)])


class TestForm(FlaskForm):
    """Where a test mail goes."""

    recipient = StringField(_l("Send it to"), [DataRequired(), Length(max=320), check_address])
