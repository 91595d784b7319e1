"""What a batch says of people who are here already, and whether any of it is new.

Most rows of most files say nothing new, so that is found out first, by comparing; whatever is not plainly the same is
looked at closely. In charge of: columns, custom fields, tags and topics. Not of: her status, of which a file may say
some things only (`plan.py`).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import one_of
from app.importing.batch import as_table
from app.importing.importer import Rows
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.known import Known, table_of
from app.subscribers.importing.options import Existing, Options
from app.subscribers.importing.parts import KEY
from app.subscribers.models import SubscriberTag, Subscription, Tag

_PROFILE = ("first_name", "last_name", "time_zone", "language", "country", "birthday", "birth_year")


class Said:
    """The columns and custom fields of a batch beside those of the people it is about."""

    def __init__(self, rows: Rows, options: Options) -> None:
        self._replaces = options.existing is Existing.UPDATE
        self._names, self._wanted = _profiles(rows)
        self._pick: Callable[[Known], tuple[Any, ...]] = itemgetter(*map(Known._fields.index, self._names))
        fields = [name for name in rows.columns if name.startswith(FIELD)]
        self._keys = [name.removeprefix(FIELD) for name in fields]
        self._values = list(zip(*(rows.columns[name] for name in fields), strict=True)) or [()] * len(rows)
        self._read: dict[str, tuple[Any, ...]] = {}
        self._has_lists = any(list in set(map(type, rows.columns[name])) for name in fields)
        self._merged: dict[tuple[str, Any], tuple[dict[str, list[Any]], str]] = {}

    def is_same(self, place: int, known: Known) -> bool:
        """Whether a row says nothing that is not known."""
        if not _adds_nothing(self._wanted[place], self._pick(known)):
            return False
        return not self._keys or _adds_nothing(self._values[place], self._fields(known.attributes))

    def changes(self, place: int, known: Known) -> tuple[dict[str, list[Any]], str]:
        """Column → [before, after], with each custom field as a column of its own; and all fields as stored then."""
        columns = zip(self._names, self._pick(known), self._wanted[place], strict=True)
        changes = {name: [old, new] for name, old, new in columns if self._is_news(old, new)}
        fields, merged = self._merge(known.attributes, self._values[place])
        return changes | fields, merged

    def _merge(self, text: str, values: tuple[Any, ...]) -> tuple[dict[str, list[Any]], str]:
        """Which custom fields of a text change by these values, and the text then; found out once."""
        # Lists are no keys; their texts are.
        key = (text, repr(values) if self._has_lists else values)
        if key not in self._merged:
            fields = zip(self._keys, self._fields(text), values, strict=True)
            news = {name: [old, new] for name, old, new in fields if self._is_news(old, new)}
            after = (
                json.dumps({**json.loads(text), **{name: new for name, (_old, new) in news.items()}}) if news else text
            )
            self._merged[key] = ({FIELD + name: pair for name, pair in news.items()}, after)
        return self._merged[key]

    def _is_news(self, old: Any, new: Any) -> bool:
        return new is not None and new != old and (self._replaces or old is None)

    def _fields(self, text: str) -> tuple[Any, ...]:
        """What a text says of the fields that the file has; found out once."""
        if text not in self._read:
            found = json.loads(text)
            self._read[text] = tuple([found.get(key) for key in self._keys])
        return self._read[text]


def _profiles(rows: Rows) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """Which columns of a person the file has, and what it says of them, row by row."""
    columns = {name: rows.columns[name] for name in _PROFILE if name in rows.columns}
    # `itemgetter` makes a tuple of two or more only: the address is always among them, and is always the same.
    keys = rows.columns[KEY]
    return ["key", *columns, "key"], list(zip(keys, *columns.values(), keys, strict=True))


def _adds_nothing(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    return new == old or all(value is None or value == known for value, known in zip(new, old, strict=True))


class Belongings:
    """Which tags and topics of a batch these people have, or had."""

    def __init__(self, session: Session, ids: Sequence[int], rows: Rows, options: Options) -> None:
        names = {*options.tags, *(name for names in set_of_tags(rows) for name in names)}
        self._wearers = _wearers(session, ids, names) if ids and names else {name: set[int]() for name in names}
        self._subscribed = {topic: _subscribers(session, ids, topic) for topic in options.topics}
        everything = [*(self._wearers[name] for name in options.tags), *self._subscribed.values()]
        self._have_everything = set(ids).intersection(*everything)

    def has_all(self, person: int, own: Iterable[str]) -> bool:
        """Whether she has the tags of her row, and all that is for everybody."""
        for name in own:
            if person not in self._wearers[name]:
                return False
        return person in self._have_everything

    def missing_tags(self, person: int, everybodys: Iterable[str], own: Iterable[str]) -> list[str]:
        """Those of these that she does not wear, each once."""
        wearers = self._wearers
        missing = [name for name in everybodys if person not in wearers[name]]
        return missing + [name for name in own if person not in wearers[name] and name not in missing]

    def missing_topics(self, person: int, topics: Iterable[int]) -> list[int]:
        """Those of these that she never subscribed to."""
        return [topic for topic in topics if person not in self._subscribed[topic]]


def set_of_tags(rows: Rows) -> Iterable[Sequence[str]]:
    """The cells of tags that there are, each once: they are remembered, so equal ones are hardly ever two."""
    return {id(names): names for names in rows.columns.get("tags", ()) if names}.values()


def _wearers(session: Session, ids: Sequence[int], names: Iterable[str]) -> dict[str, set[int]]:
    asked = as_table(session, {"name": Tag.name.type}, ((name,) for name in names))
    numbers = session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(select(asked.c.name)))).all()
    table = table_of(SubscriberTag)
    wearing: dict[int, set[int]] = {number: set() for _name, number in numbers}
    worn = select(table.c.tag_id, table.c.subscriber_id).where(one_of(table.c.subscriber_id, ids))
    for tag, person in session.execute(worn).all():
        if tag in wearing:
            wearing[tag].add(person)
    return {name: set[int]() for name in names} | {name: wearing[number] for name, number in numbers}


def _subscribers(session: Session, ids: Sequence[int], topic: int) -> set[int]:
    """Who has or had a subscription to it."""
    table = table_of(Subscription)
    mine = select(table.c.subscriber_id).where(table.c.topic_id == topic, one_of(table.c.subscriber_id, ids))
    return set(session.scalars(mine).all())
