"""What a new installation begins with: one topic, and one signup form for it that can be put up at once."""

from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.organisation import organisation
from app.i18n import LOCALES
from app.subscribers.signup_forms import new_form
from app.subscribers.topics import save_topic


def defaults(session: Session, now: datetime) -> None:
    """Written once, at the first-run setup, in the organisation's language."""
    own, sender = organisation(session), session.scalars(select(Sender).order_by(Sender.id)).first()
    if own is None or sender is None:
        return
    locale = own.locale if own.locale in LOCALES else LOCALES[0]
    with force_locale(locale):
        topic = save_topic(session, None, key="newsletter", name=_("Newsletter"))
    session.flush()
    form = new_form(sender, locale, now)
    form.topic_ids = [topic.id]
    session.add(form)
