"""Custom fields: the typed attributes that this organisation keeps of its subscribers.

A field's kind and key never change: rules, imports and stored values stand on them. Not in charge of: reading values
(`values.parse_attribute`) and of what a person's are (`profile`).
"""

import re
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, String, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, NotFound
from app.subscribers.models import CustomField, FieldKind, Subscriber
from app.subscribers.values import clean, parse_text

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


def custom_fields(session: Session) -> Sequence[CustomField]:
    """All custom fields, in the order they were made."""
    return session.scalars(select(CustomField).order_by(CustomField.id)).all()


def custom_field(session: Session, field_id: int) -> CustomField:
    """The field, or NotFound."""
    found = session.get(CustomField, field_id)
    if found is None:
        raise NotFound(_("There is no such field."))
    return found


def add_field(session: Session, key: str, label: str, kind: FieldKind, choices: Sequence[str] = ()) -> CustomField:
    """A new field; choices are the values of a `choice`, or of a `list` that takes no others."""
    key = clean(key).lower()
    if not KEY.fullmatch(key):
        wanted = _("Small letters, digits and _, beginning with a letter.")
        raise Invalid(wanted, {"key": wanted})
    if session.scalar(select(CustomField.id).where(CustomField.key == key)):
        raise Conflict(_("There is a field with this key already."))
    row = CustomField(key=key, label=parse_text(label, 100) or key, kind=kind, choices=_choices(kind, choices))
    session.add(row)
    session.flush()
    return row


def change_field(session: Session, field_id: int, label: str, choices: Sequence[str] = ()) -> CustomField:
    """Another label, other choices; values that are no choice any longer stay with their people."""
    row = custom_field(session, field_id)
    row.label, row.choices = parse_text(label, 100) or row.key, _choices(row.kind, choices)
    return row


def delete_field(session: Session, field_id: int) -> None:
    """Take the field away, and its values off everybody: a new field of that name must not find old values."""
    row = custom_field(session, field_id)
    without: ColumnElement[Any]
    if session.get_bind().dialect.name == "postgresql":
        without = Subscriber.attributes.op("-", return_type=JSONB())(literal(row.key, String))
    else:
        without = func.json_remove(Subscriber.attributes, f'$."{row.key}"')
    has_it = Subscriber.attributes[row.key].as_string().is_not(None)
    session.execute(update(Subscriber).where(has_it).values(attributes=without))
    session.delete(row)


def _choices(kind: FieldKind, choices: Sequence[str]) -> list[str]:
    if kind not in {FieldKind.CHOICE, FieldKind.LIST}:
        return []
    cleaned = list(dict.fromkeys(name for each in choices if (name := parse_text(each, 100))))
    if not cleaned and kind is FieldKind.CHOICE:
        wanted = _("Give at least one choice.")
        raise Invalid(wanted, {"choices": wanted})
    return cleaned
