"""Signup forms, for marketers: write one, look at it, put it on a web site, see how it does."""

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Redirect

from app.accounts.access import for_marketers
from app.accounts.models import Sender
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.i18n import language
from app.subscribers.custom_fields import custom_fields
from app.subscribers.forms import PROFILE_INPUTS, FormForm, options, profile_field, signup_fields
from app.subscribers.models import SignupForm
from app.subscribers.signup_forms import (
    FormNumbers,
    archive,
    new_form,
    numbers,
    public_topic_ids,
    signup_form,
    signup_forms,
)
from app.subscribers.topics import topics
from app.undo import flash_undo

blueprint = for_marketers("forms", __name__, url_prefix="/forms")

_WORDS = ("name", "language", "title", "intro", "consent_text", "tracking_text")


@blueprint.get("/")
def index() -> str:
    """All forms with their numbers."""
    with reading() as session:
        rows = signup_forms(session)
        return render_template("subscribers/forms.html", forms=rows, numbers=numbers(session), none=FormNumbers())


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> str | Redirect:
    """A new form, with words to begin with."""
    with transaction() as session:
        sender = session.scalars(select(Sender).order_by(Sender.id)).first()
        if sender is None:
            raise Invalid(_("Add a sender identity in the settings first: a form speaks for one."))
        return _edit(session, new_form(sender, language(), utc_now()))


@blueprint.get("/<int:form_id>")
def show(form_id: int) -> str:
    """The form as visitors see it, its address, and the lines to put it on a web site."""
    with reading() as session:
        row = signup_form(session, form_id)
        fields = signup_fields(row, custom_fields(session))(formdata=None)
        base_url = current_app.extensions["letterbond.config"].base_url
        url = base_url + url_for("signup.form_page", key=row.key)
        snippet = render_template("subscribers/_embed.html", form=row, fields=fields, url=url)
        counted = numbers(session).get(form_id, FormNumbers())
        return render_template("subscribers/form.html", form=row, url=url, snippet=snippet, numbers=counted)


@blueprint.route("/<int:form_id>/edit", methods=["GET", "POST"])
def edit(form_id: int) -> str | Redirect:
    """Change a form; proofs keep the words that were shown."""
    with transaction() as session:
        return _edit(session, signup_form(session, form_id))


@blueprint.post("/<int:form_id>/archive")
def put_away(form_id: int) -> Redirect:
    """Take a form off the web."""
    with transaction() as session:
        archive(session, form_id, utc_now())
    flash_undo(_("The form is off the web."), url_for(".put_back", form_id=form_id))
    return redirect(url_for(".index"))


@blueprint.post("/<int:form_id>/restore")
def put_back(form_id: int) -> Redirect:
    """Put it back on the web."""
    with transaction() as session:
        archive(session, form_id, None)
    return redirect(url_for(".show", form_id=form_id))


def _edit(session: Session, row: SignupForm) -> str | Redirect:
    form = _form_form(session, row)
    if not form.validate_on_submit():
        return render_template("subscribers/form_edit.html", form=form, row=row)
    for name in _WORDS:
        setattr(row, name, form[name].data.strip())
    row.sender_id, row.inputs = form.sender_id.data, form.inputs.data
    row.topic_ids = public_topic_ids(session, form.topic_ids.data)
    session.add(row)
    session.flush()
    flash(_("Saved."), "success")
    return redirect(url_for(".show", form_id=row.id))


def _form_form(session: Session, row: SignupForm) -> FormForm:
    form = FormForm(obj=row)
    senders = session.scalars(select(Sender).order_by(Sender.id))
    form.sender_id.choices = options((sender.id, sender.name) for sender in senders)
    named = [(name, profile_field(name).kwargs.get("label") or profile_field(name).args[0]) for name in PROFILE_INPUTS]
    custom = [(field.key, field.label) for field in custom_fields(session)]
    form.inputs.choices = options([*named, *custom])
    form.topic_ids.choices = options((topic.id, topic.name) for topic in topics(session, only_public=True))
    return form
