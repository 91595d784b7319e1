"""Topics, custom fields and tags, for marketers."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Redirect

from app.accounts.access import for_marketers
from app.db import reading, transaction
from app.i18n import language
from app.subscribers.custom_fields import add_field, change_field, custom_field, custom_fields, delete_field
from app.subscribers.forms import FieldForm, TopicForm, options
from app.subscribers.models import FieldKind, Subscription, Topic
from app.subscribers.topics import delete_tag, save_topic, tags_with_counts, topic, topics
from segments.label import Label

blueprint = for_marketers("words", __name__)

_KINDS = {
    FieldKind.TEXT: Label("text", "Text"),
    FieldKind.NUMBER: Label("number", "Zahl"),
    FieldKind.DATE: Label("date", "Datum"),
    FieldKind.FLAG: Label("yes or no", "ja oder nein"),
    FieldKind.CHOICE: Label("choice", "Auswahl"),
    FieldKind.LIST: Label("list", "Liste"),
}


@blueprint.get("/topics/")
def topic_list() -> str:
    """What one can subscribe to, and how many do."""
    with reading() as session:
        return render_template("subscribers/topics.html", topics=topics(session), counts=_subscribed(session))


@blueprint.route("/topics/new", methods=["GET", "POST"])
def new_topic() -> str | Redirect:
    """Another topic."""
    with transaction() as session:
        return _edit_topic(session, None)


@blueprint.route("/topics/<int:topic_id>", methods=["GET", "POST"])
def edit_topic(topic_id: int) -> str | Redirect:
    """Change a topic's words, and who may join."""
    with transaction() as session:
        return _edit_topic(session, topic(session, topic_id))


@blueprint.get("/fields/")
def field_list() -> str:
    """The custom fields and the tags."""
    with reading() as session:
        return render_template(
            "subscribers/fields.html", fields=custom_fields(session), tags=tags_with_counts(session), kinds=_kinds()
        )


@blueprint.route("/fields/new", methods=["GET", "POST"])
def new_field() -> str | Redirect:
    """Another custom field."""
    form = FieldForm()
    form.kind.choices = options(_kinds().items())
    if not form.validate_on_submit():
        return render_template("subscribers/field_edit.html", form=form, row=None)
    with transaction() as session:
        add_field(session, form.key.data, form.label.data, FieldKind(form.kind.data), _lines(form))
    flash(_("Saved."), "success")
    return redirect(url_for(".field_list"))


@blueprint.route("/fields/<int:field_id>", methods=["GET", "POST"])
def edit_field(field_id: int) -> str | Redirect:
    """Change a field's name and choices."""
    with transaction() as session:
        row = custom_field(session, field_id)
        form = FieldForm(label=row.label, choices="\n".join(row.choices))
        del form.key, form.kind
        if not form.validate_on_submit():
            return render_template("subscribers/field_edit.html", form=form, row=row)
        change_field(session, field_id, form.label.data, _lines(form))
    flash(_("Saved."), "success")
    return redirect(url_for(".field_list"))


@blueprint.post("/fields/<int:field_id>/delete")
def remove_field(field_id: int) -> Redirect:
    """Delete a field with all its values; its key typed out says that this is meant."""
    with transaction() as session:
        if request.form.get("key", "").strip() == custom_field(session, field_id).key:
            delete_field(session, field_id)
            flash(_("The field and its values are deleted."), "success")
        else:
            flash(_("Nothing was deleted: type the key of the field to confirm."), "error")
    return redirect(url_for(".field_list"))


@blueprint.post("/tags/<int:tag_id>/delete")
def remove_tag(tag_id: int) -> Redirect:
    """Take a tag off everybody."""
    with transaction() as session:
        delete_tag(session, tag_id)
    flash(_("The tag is gone."), "success")
    return redirect(url_for(".field_list"))


def _edit_topic(session: Session, row: Topic | None) -> str | Redirect:
    form = TopicForm(obj=row)
    if row:
        del form.key
    if not form.validate_on_submit():
        return render_template("subscribers/topic_edit.html", form=form, row=row)
    save_topic(
        session,
        row,
        key=row.key if row else form.key.data,
        name=form.name.data,
        description=form.description.data or "",
        is_public=form.is_public.data,
    )
    flash(_("Saved."), "success")
    return redirect(url_for(".topic_list"))


def _subscribed(session: Session) -> dict[int, int]:
    lasting = select(Subscription.topic_id, func.count()).where(Subscription.ended_at.is_(None))
    grouped = session.execute(lasting.group_by(Subscription.topic_id))
    return {topic_id: count for topic_id, count in grouped}  # noqa: C416 - a Row is no tuple to mypy


def _kinds() -> dict[str, str]:
    return {kind.value: label(language()) for kind, label in _KINDS.items()}


def _lines(form: FieldForm) -> list[str]:
    return (form.choices.data or "").splitlines()
