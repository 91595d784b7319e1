"""Input shapes of the campaign pages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateTimeLocalField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from app.accounts.forms import check_address, check_header
from app.campaigns.models import CrashPolicy
from app.intake import whole_or_none


class NewForm(FlaskForm):
    """Name and layout of a new campaign."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    layout = RadioField(_l("Layout"), [Optional()])


class ContentForm(FlaskForm):
    """What a campaign says. The subject may hold merge tags, so its length is checked when it is rendered."""

    revision = HiddenField()
    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    sender_id = SelectField(_l("From"), coerce=int)
    from_name = StringField(_l("Sender name"), [Optional(), Length(max=200), check_header])
    reply_to = StringField(_l("Replies go to"), [Optional(), Length(max=320), check_address])
    subject = StringField(_l("Subject"), [Optional(), Length(max=2000), check_header])
    preheader = StringField(_l("Preheader"), [Optional(), Length(max=2000)])
    language = SelectField(_l("Language"), choices=[SelectChoice("en", "English"), SelectChoice("de", "Deutsch")])
    html = TextAreaField(_l("HTML of the mail"), [Length(max=1 << 20)])

    def choose_from(self, senders: list[tuple[int, str]]) -> None:
        """Offer these sender identities."""
        self.sender_id.choices = [SelectChoice(str(key), name) for key, name in senders]

    @property
    def values(self) -> dict[str, str | int | None]:
        """What `drafts.save` takes."""
        given = {field.name: field.data for field in self if field.name not in {"csrf_token", "revision"}}
        return {**given, "from_name": given["from_name"] or None, "reply_to": given["reply_to"] or None}

    @property
    def seen_revision(self) -> int:
        """The revision that this form was made from; one that never was if it does not say."""
        revision = whole_or_none((self.revision.raw_data or [""])[0])
        return -1 if revision is None else revision


class AudienceForm(FlaskForm):
    """Whom a campaign is for."""

    included = SelectMultipleField(_l("Send to people in any of these segments"), coerce=int)
    excluded = SelectMultipleField(_l("Leave out people in these segments"), coerce=int)
    topic_id = SelectField(_l("Topic"), coerce=whole_or_none)

    def choose_from(self, segments: list[tuple[int, str]], topics: list[tuple[int, str]]) -> None:
        """Offer these segments and topics."""
        self.included.choices = [SelectChoice(str(key), name) for key, name in segments]
        self.excluded.choices = [SelectChoice(str(key), name) for key, name in segments]
        offered = [SelectChoice(str(key), name) for key, name in topics]
        self.topic_id.choices = [SelectChoice("", _("No topic: everybody who is subscribed")), *offered]


class TestSendForm(FlaskForm):
    """Where a test goes, and whom it speaks to."""

    recipient = StringField(_l("Send it to"), [DataRequired(), Length(max=320), check_address])
    seen_as = HiddenField()


class SendForm(FlaskForm):
    """What becomes of mails in flight when a sender dies."""

    crash_policy = RadioField(
        _l("If a sender crashes in mid-mail"),
        choices=[
            SelectChoice(CrashPolicy.RESEND.value, _l("send it again: one or two people may get it twice")),
            SelectChoice(CrashPolicy.ASK.value, _l("ask me: those people are listed for me to decide")),
            SelectChoice(CrashPolicy.NEVER.value, _l("never send it twice: for vouchers and the like")),
        ],
    )


class ScheduleForm(FlaskForm):
    """When a campaign is sent, as the wall clock of the organisation shows it."""

    at = DateTimeLocalField(_l("Send at"), [DataRequired()], format="%Y-%m-%dT%H:%M")

    def moment(self, zone: ZoneInfo) -> datetime:
        """The moment in UTC; raises ValidationError for a wall clock time that the change to summer time skips."""
        try:
            moment: datetime = self.at.data.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(_("Choose a date and a time.")) from error
        if moment.astimezone(zone).replace(tzinfo=None) != self.at.data:
            raise ValidationError(_("The clocks are put forward then: this time does not exist."))
        return moment
