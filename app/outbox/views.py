"""Settings → Sending: where mail is handed over, and a test mail to oneself."""

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_security import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.accounts.forms import TestForm
from app.accounts.models import Sender
from app.config import Config
from app.db import reading, transaction, utc_now
from app.i18n import language
from app.mail import system_headers
from app.mail_templates import system_mail
from app.outbox.jobs import deliver
from app.outbox.models import Letter
from app.outbox.post import post
from app.queue import enqueue
from app.relay import Relay

blueprint = for_marketers("outbox", __name__, url_prefix="/settings/sending")

_PURPOSE = "test"


@blueprint.route("/", methods=["GET", "POST"])
def test_mail() -> str | Response:
    """Send yourself a test, and see what the relay said to the last ones."""
    form = TestForm(recipient=current_user.email)
    if form.validate_on_submit():
        with transaction() as session:
            sender = session.scalars(select(Sender).order_by(Sender.id)).first()
            if sender is None:
                return redirect(url_for("settings.new_sender"))
            subject, html, text = system_mail("test", language(), sender=sender, email=form.recipient.data)
            post(
                session,
                sender,
                form.recipient.data,
                _PURPOSE,
                subject,
                html,
                text,
                system_headers(),
                utc_now(),
            )
        enqueue(deliver)
        flash(_("The test mail is on its way."), "success")
        return redirect(url_for(".test_mail"))
    return render_template("accounts/test_mail.html", section="test_mail", form=form, relays=_relays())


@blueprint.get("/letters")
def letters() -> str:
    """The last test mails; the page asks again while one is waiting."""
    with reading() as session:
        newest = select(Letter).where(Letter.purpose == _PURPOSE).order_by(Letter.id.desc()).limit(5)
        return render_template("accounts/letters.html", letters=session.scalars(newest).all())


def _relays() -> list[Relay]:
    """Where mail goes; none where the built-in mailbox catches it."""
    config: Config = current_app.extensions["letterbond.config"]
    return [] if config.embedded_mailbox else list(config.relays)
