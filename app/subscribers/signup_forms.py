"""Making and changing signup forms, and how well they do.

Not in charge of: what happens when one is sent (`signup`).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.errors import NotFound
from app.subscribers.models import ConsentRecord, SignupForm, Topic


@dataclass(frozen=True, slots=True)
class FormNumbers:
    """How many asked by a form and how many of them confirmed."""

    requested: int = 0
    confirmed: int = 0

    @property
    def rate(self) -> float | None:
        """The share that confirmed."""
        return self.confirmed / self.requested if self.requested else None


def signup_form(session: Session, form_id: int) -> SignupForm:
    """The form, or NotFound."""
    found = session.get(SignupForm, form_id)
    if found is None:
        raise NotFound(_("There is no such form."))
    return found


def signup_forms(session: Session) -> Sequence[SignupForm]:
    """All forms that are in use, the newest first."""
    used = select(SignupForm).where(SignupForm.archived_at.is_(None))
    return session.scalars(used.order_by(SignupForm.id.desc())).all()


def new_form(sender: Sender, locale: str, now: datetime) -> SignupForm:
    """A form with words to begin with; not yet in the database."""
    with force_locale(locale):
        return SignupForm(
            key=secrets.token_urlsafe(6).replace("-", "a").replace("_", "b"),
            name=_("Newsletter"),
            sender_id=sender.id,
            language=locale,
            title=_("Our newsletter"),
            intro="",
            consent_text=_("Yes, %(name)s may send me its newsletter by email.", name=sender.name),
            tracking_text=_(
                "%(name)s may see which mails I open and which links I click, to send me what fits.", name=sender.name
            ),
            inputs=["first_name"],
            topic_ids=[],
            created_at=now,
        )


def public_topic_ids(session: Session, topic_ids: Sequence[int]) -> list[int]:
    """Those of the topics that a form may offer (TRUST S13)."""
    offered = select(Topic.id).where(Topic.id.in_(topic_ids), Topic.is_public).order_by(Topic.id)
    return list(session.scalars(offered))


def numbers(session: Session) -> dict[int, FormNumbers]:
    """Requests and confirmations of every form that had any."""
    grouped = (
        select(ConsentRecord.form_id, func.count(), func.count(ConsentRecord.confirmed_at))
        .where(ConsentRecord.form_id.is_not(None))
        .group_by(ConsentRecord.form_id)
    )
    return {form_id: FormNumbers(asked, confirmed) for form_id, asked, confirmed in session.execute(grouped) if form_id}


def archive(session: Session, form_id: int, archived_at: datetime | None) -> SignupForm:
    """Take a form off the web, or put it back with None."""
    row = signup_form(session, form_id)
    row.archived_at = archived_at
    return row
