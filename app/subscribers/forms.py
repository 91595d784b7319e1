"""Input shapes of the pages about people."""

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Field,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.errors import Invalid
from app.i18n import LOCALES, language
from app.subscribers.addresses import parse_address
from app.subscribers.fields import TRACKING_LABELS, country_choices, language_choices
from app.subscribers.models import Basis, CustomField, FieldKind, SignupForm, TrackingMode
from app.subscribers.values import (
    clean,
    parse_attribute,
    parse_birthday,
    parse_country,
    parse_language,
    parse_name,
    parse_text,
    parse_time_zone,
)

PROFILE_INPUTS = ("first_name", "last_name", "birthday", "country")
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch"}


class Reads:
    """A validator that asks a parser: what it refuses is said beside the field."""

    def __init__(self, parse: Callable[[Any], Any]) -> None:
        self._parse = parse

    def __call__(self, form: FlaskForm, field: Field) -> None:  # noqa: ARG002 - WTForms passes it
        """Raise ValidationError with the parser's sentence."""
        try:
            self._parse(field.data)
        except Invalid as error:
            raise ValidationError(error.message) from error


def checkboxes(label: Any, **options: Any) -> Field:
    """A list of boxes."""
    return SelectMultipleField(label, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(), **options)


def text_area(label: Any, validators: list[Any], description: Any = "") -> Field:
    """Several lines; without NUL, which PostgreSQL cannot keep."""
    return TextAreaField(label, validators, [_without_nul], description)


def _without_nul(text: str | None) -> str | None:
    return text.replace("\x00", "") if text else text


def options(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """Values and their names, as WTForms wants them."""
    return [SelectChoice(str(value), str(name)) for value, name in pairs]


def named_choices(choices: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Choices in the language of the page, with none of them first."""
    named = sorted(((code, label(language())) for code, label in choices), key=lambda choice: choice[1])
    return options([("", "–"), *named])


def profile_field(name: str) -> Field:
    """The input of a profile word, unbound."""
    match name:
        case "first_name":
            return StringField(_l("First name"), [Optional(), Reads(parse_name)])
        case "last_name":
            return StringField(_l("Last name"), [Optional(), Reads(parse_name)])
        case "birthday":
            example = _l("Like 1990-05-17, or 05-17 without the year.")
            return StringField(_l("Birthday"), [Optional(), Reads(parse_birthday)], description=example)
        case "country":
            return SelectField(
                _l("Country"), [Optional(), Reads(parse_country)], choices=lambda: named_choices(country_choices())
            )
        case "language":
            return SelectField(
                _l("Language"), [Optional(), Reads(parse_language)], choices=lambda: named_choices(language_choices())
            )
    return StringField(
        _l("Time zone"), [Optional(), Reads(parse_time_zone)], description=_l("A name like Europe/Berlin.")
    )


def custom_input(field: CustomField) -> Field:
    """The input of a custom field, unbound."""
    validators = [Optional(), Reads(lambda value: parse_attribute(field, value))]
    match field.kind:
        case FieldKind.FLAG:
            return SelectField(
                field.label, validators, choices=options([("", "–"), ("true", _("Yes")), ("false", _("No"))])
            )
        case FieldKind.CHOICE:
            return SelectField(
                field.label, validators, choices=options([("", "–"), *((each, each) for each in field.choices)])
            )
        case FieldKind.DATE:
            return DateField(field.label, [Optional()])
        case FieldKind.LIST:
            known = ", ".join(field.choices)
            return StringField(field.label, validators, description=known or _("Several, with commas between them."))
    return StringField(field.label, validators)


def custom_name(field: CustomField) -> str:
    """How a custom field is called in a form."""
    return f"attribute_{field.key}"


class SignupFields(FlaskForm):
    """What every signup form asks. It comes from strangers and other sites, so there is no session to protect."""

    class Meta:
        """No CSRF token: `token` is what a person's form carries."""

        csrf = False

    email = StringField(_l("Email address"), [DataRequired(), Length(max=400), Reads(parse_address)])
    consent = BooleanField(validators=[InputRequired(_l("Please tick this box if you want our mails."))])
    tracking = BooleanField()
    # Nobody sees it; what fills it in is a machine.
    website = StringField(_l("Leave this empty"))
    token = HiddenField()


def signup_fields(row: SignupForm, custom: Iterable[CustomField]) -> type[SignupFields]:
    """The form that `row` describes."""
    inputs: dict[str, Any] = {name: profile_field(name) for name in PROFILE_INPUTS if name in row.inputs}
    inputs |= {custom_name(field): custom_input(field) for field in custom if field.key in row.inputs}
    return type("Signup", (SignupFields,), inputs)


def answers_of(form: FlaskForm, custom: Iterable[CustomField]) -> dict[str, Any]:
    """What was filled in, as `profile.change_profile` takes it: empty inputs say nothing."""
    filled = {field.short_name: clean(str(field.data)) for field in form if field.data}
    answers: dict[str, Any] = {name: filled[name] for name in PROFILE_INPUTS if name in filled}
    attributes = {field.key: filled[custom_name(field)] for field in custom if custom_name(field) in filled}
    return {**answers, "attributes": attributes} if attributes else answers


def check_tags(text: str) -> None:
    """Refuse tags that are longer than a tag may be."""
    for tag in text.split(","):
        parse_text(tag, 100)


class PreferencesForm(FlaskForm):
    """What a person chooses for herself."""

    class Meta:
        """The link is the proof of who asks."""

        csrf = False

    first_name = StringField(_l("First name"), [Optional(), Reads(parse_name)])
    last_name = StringField(_l("Last name"), [Optional(), Reads(parse_name)])
    language = SelectField(_l("Language"), choices=options(LANGUAGE_NAMES.items()))
    topics = checkboxes(_l("Topics"))
    tracking = BooleanField(_l("You may learn what I read and click, to send me what fits."))


class ProfileForm(FlaskForm):
    """All that marketers may edit of a person; custom fields are added per installation."""

    email = StringField(_l("Email address"), [DataRequired(), Length(max=400), Reads(parse_address)])
    first_name = profile_field("first_name")
    last_name = profile_field("last_name")
    language = profile_field("language")
    country = profile_field("country")
    time_zone = profile_field("time_zone")
    birthday = profile_field("birthday")
    tags = StringField(_l("Tags"), [Optional(), Reads(check_tags)], description=_l("Separated by commas."))
    topics = checkboxes(_l("Topics"))


class AddForm(ProfileForm):
    """A person who is brought in by hand, with the reason why she may be mailed."""

    basis = SelectField(_l("Why may this person be mailed?"), [InputRequired()])
    note = text_area(
        _l("Proof"), [Length(max=2000)], _l("When and how did this person agree? It is kept with the consent.")
    )

    def validate_note(self, field: Field) -> None:
        """Without double opt-in the proof is what you write here (TRUST L5)."""
        if self.basis.data not in {"none", Basis.DOUBLE_OPT_IN.value} and not (field.data or "").strip():
            raise StopValidation(_("Please say when and how this person agreed."))


def with_custom_fields(base: type[FlaskForm], custom: Iterable[CustomField]) -> type[FlaskForm]:
    """`base` and an input for every custom field."""
    return type(base.__name__, (base,), {custom_name(field): custom_input(field) for field in custom})


def basis_choices() -> list[SelectChoice]:
    """The legal bases of a person added by hand."""
    return options(
        [
            (Basis.DOUBLE_OPT_IN.value, _("Ask by mail: send a confirmation mail")),
            (Basis.DOUBLE_OPT_IN_ELSEWHERE.value, _("Confirmed elsewhere (double opt-in)")),
            (Basis.EXISTING_CUSTOMER.value, _("A customer who was told and has not objected (§ 7 (3) UWG)")),
            (Basis.MANUAL.value, _("Agreed in another way")),
            ("none", _("May not be mailed, only be known")),
        ]
    )


def tracking_choices() -> list[SelectChoice]:
    """The tracking modes in the language of the page."""
    return options((mode.value, TRACKING_LABELS[mode](language())) for mode in TrackingMode)


class FormForm(FlaskForm):
    """A signup form. There is no way to tick a box beforehand (TRUST L4)."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=200)], description=_l("Only you see it."))
    sender_id = SelectField(_l("Sender"), coerce=int)
    language = SelectField(_l("Language"), choices=options((code, LANGUAGE_NAMES[code]) for code in LOCALES))
    title = StringField(_l("Headline"), [DataRequired(), Length(max=200)])
    intro = text_area(_l("Introduction"), [Length(max=4000)])
    consent_text = text_area(_l("Words beside the newsletter box"), [DataRequired(), Length(max=2000)])
    tracking_text = text_area(_l("Words beside the tracking box"), [DataRequired(), Length(max=2000)])
    inputs = checkboxes(_l("Also ask for"))
    topic_ids = checkboxes(_l("Subscribe to"), coerce=int, description=_l("Only public topics can be offered."))


class TopicForm(FlaskForm):
    """A topic."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    key = StringField(_l("Key"), [DataRequired(), Length(max=40)], description=_l("Stands in List-Id; never changes."))
    description = text_area(_l("Description"), [Length(max=2000)])
    is_public = BooleanField(_l("Anybody may subscribe"), default=True)


class FieldForm(FlaskForm):
    """A custom field."""

    label = StringField(_l("Name"), [DataRequired(), Length(max=100)])
    key = StringField(_l("Key"), [DataRequired(), Length(max=40)], description=_l("In imports, mails and the API."))
    kind = SelectField(_l("Kind"))
    choices = text_area(_l("Choices"), [Length(max=4000)], _l("One a line; for kind “choice”."))


class EraseForm(FlaskForm):
    """Erasing cannot be undone, so it takes the address typed out."""

    address = StringField(_l("Type the address to confirm"), [DataRequired()])
