"""Adding a person by hand and changing her profile, for marketers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Redirect

from app.accounts.access import for_marketers
from app.db import transaction, utc_now
from app.outbox.jobs import deliver
from app.queue import enqueue
from app.subscribers.adding import add_subscriber
from app.subscribers.custom_fields import custom_fields
from app.subscribers.forms import AddForm, ProfileForm, basis_choices, custom_name, options, with_custom_fields
from app.subscribers.merge_tags import birthday_of
from app.subscribers.models import Basis, CustomField, FieldKind, Subscriber
from app.subscribers.people import person
from app.subscribers.profile import change_profile
from app.subscribers.topics import tags_of, topic_ids_of, topics

blueprint = for_marketers("subscriber_editing", __name__, url_prefix="/subscribers")

_PROFILE = ("first_name", "last_name", "language", "country", "time_zone", "birthday")


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> str | Redirect:
    """Add one person by hand."""
    with transaction() as session:
        custom = custom_fields(session)
        form = _with_choices(session, with_custom_fields(AddForm, custom)())
        form.basis.choices = basis_choices()
        if not form.validate_on_submit():
            return render_template("subscribers/edit.html", form=form, person=None, custom=_names(custom))
        basis = Basis(form.basis.data) if form.basis.data != "none" else None
        given, note = _changes(form, custom), (form.note.data or "").strip()
        added, is_new = add_subscriber(session, given, basis, utc_now(), source="by hand", note=note)
    enqueue(deliver)
    flash(_("Added.") if is_new else _("This person was there already; the profile is changed."), "success")
    return redirect(url_for("subscribers.profile", subscriber_id=added.id))


@blueprint.route("/<int:subscriber_id>/edit", methods=["GET", "POST"])
def edit(subscriber_id: int) -> str | Redirect:
    """Change a profile."""
    with transaction() as session:
        found = person(session, subscriber_id)
        custom = custom_fields(session)
        form = _with_choices(session, with_custom_fields(ProfileForm, custom)(data=_values(session, found, custom)))
        if form.validate_on_submit():
            change_profile(session, found.id, _changes(form, custom), utc_now())
            flash(_("Saved."), "success")
            return redirect(url_for("subscribers.profile", subscriber_id=found.id))
        return render_template("subscribers/edit.html", form=form, person=found, custom=_names(custom))


def _with_choices(session: Session, form: Any) -> Any:
    form.topics.choices = options((topic.key, topic.name) for topic in topics(session))
    return form


def _names(custom: Sequence[CustomField]) -> list[str]:
    return [custom_name(field) for field in custom]


def _values(session: Session, found: Subscriber, custom: Sequence[CustomField]) -> dict[str, Any]:
    subscribed = topic_ids_of(session, found.id)
    standing = found.standing
    return {
        "email": found.email,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "time_zone": found.time_zone,
        "language": standing.language,
        "country": standing.country,
        "birthday": birthday_of(standing),
        "tags": ", ".join(tags_of(session, found.id)),
        "topics": [topic.key for topic in topics(session) if topic.id in subscribed],
        **{custom_name(field): _shown(field, found.attributes.get(field.key)) for field in custom},
    }


def _shown(field: CustomField, value: Any) -> Any:
    if value is None:
        return None
    match field.kind:
        case FieldKind.DATE:
            return date.fromisoformat(value)
        case FieldKind.FLAG:
            return str(value).lower()
        case FieldKind.LIST:
            return ", ".join(value)
    return value


def _changes(form: Any, custom: Sequence[CustomField]) -> dict[str, Any]:
    tags = [tag for tag in (form.tags.data or "").split(",") if tag.strip()]
    return {
        "email": form.email.data,
        **{name: form[name].data for name in _PROFILE},
        "tags": tags,
        "topics": form.topics.data or [],
        "attributes": {field.key: form[custom_name(field)].data for field in custom},
    }
