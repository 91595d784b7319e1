"""What is known of a person: reading changes from forms, the API and signup answers, and applying them.

What a change does not mention stays as it is (TRUST S17). All mistakes are reported together, each with its place. Not
in charge of: status and consent (`lifecycle`), nor of many people at once (`importing`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid
from app.subscribers.addresses import parse_address
from app.subscribers.custom_fields import custom_fields
from app.subscribers.models import Status, Subscriber, Topic
from app.subscribers.people import find, lock
from app.subscribers.providers import provider_of
from app.subscribers.topics import set_tags, set_topics
from app.subscribers.values import (
    Birthday,
    parse_attribute,
    parse_birthday,
    parse_country,
    parse_language,
    parse_name,
    parse_time_zone,
)

_ON_SUBSCRIBER: dict[str, Callable[[object], Any]] = {
    "first_name": parse_name,
    "last_name": parse_name,
    "time_zone": parse_time_zone,
}
_ON_STANDING: dict[str, Callable[[object], Any]] = {
    "language": parse_language,
    "country": parse_country,
    "birthday": parse_birthday,
}
WORDS = ("email", *_ON_SUBSCRIBER, *_ON_STANDING, "attributes", "tags", "topics")


def change_profile(session: Session, subscriber_id: int, changes: Mapping[str, Any], now: datetime) -> Subscriber:
    """Apply those of WORDS that `changes` mentions; raise Invalid with all mistakes, or Conflict.

    `attributes` changes only the keys it has, None takes a value away. `tags` (names) and `topics` (keys) are whole
    lists.
    """
    person = lock(session, subscriber_id)
    if person.standing.status is Status.ERASED:
        raise Conflict(_("This person was erased."))
    parsed = read_changes(session, changes)
    if "email" in changes:
        _change_address(session, person, str(changes["email"]))
    for name, value in parsed.items():
        _apply(person, name, value)
    if "tags" in changes:
        set_tags(session, subscriber_id, changes["tags"])
    if "topics" in changes:
        known = topic_keys(session)
        set_topics(session, subscriber_id, (known[key] for key in changes["topics"]), now, among=known.values())
    session.flush()
    return person


def read_changes(session: Session, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The scalar changes as they will be stored; raise Invalid with every mistake at its place."""
    parsed, places = _read(session, changes)
    for key in set(changes.get("topics", ())) - topic_keys(session).keys():
        places["topics"] = _("There is no topic “%(key)s”.", key=key)
    if places:
        raise Invalid(" ".join(dict.fromkeys(places.values())), places)
    return parsed


def take_answers(session: Session, person: Subscriber, answers: Mapping[str, Any]) -> None:
    """Apply what a form was told some time ago; what its fields no longer take is left out."""
    parsed, _places = _read(session, answers)
    for name, value in parsed.items():
        _apply(person, name, value)


def _read(session: Session, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    parsed: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, parse in {**_ON_SUBSCRIBER, **_ON_STANDING}.items():
        if name in changes:
            _note(parsed, places, name, partial(parse, changes[name]))
    if changes.get("attributes"):
        parsed["attributes"] = _read_attributes(session, changes["attributes"], places)
    return parsed, places


def topic_keys(session: Session) -> dict[str, int]:
    """The ids of all topics by key."""
    return {topic.key: topic.id for topic in session.scalars(select(Topic))}


def _read_attributes(session: Session, given: Mapping[str, Any], places: dict[str, str]) -> dict[str, Any]:
    fields = {field.key: field for field in custom_fields(session)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key in fields:
            _note(values, places, key, partial(parse_attribute, fields[key], value), f"attributes.{key}")
        else:
            places[f"attributes.{key}"] = _("There is no custom field “%(key)s”.", key=key[:40])
    return values


def _note(
    values: dict[str, Any], places: dict[str, str], name: str, parse: Callable[[], Any], place: str | None = None
) -> None:
    try:
        values[name] = parse()
    except Invalid as error:
        places[place or name] = error.message


def _apply(person: Subscriber, name: str, value: Any) -> None:
    if name == "attributes":
        merged = {**person.attributes, **value}
        person.attributes = {key: each for key, each in merged.items() if each is not None}
    elif name == "birthday":
        birthday: Birthday | None = value
        person.standing.birthday = birthday.day if birthday else None
        person.standing.birth_year = birthday.year if birthday else None
    elif name in _ON_STANDING:
        setattr(person.standing, name, value)
    else:
        setattr(person, name, value)


def _change_address(session: Session, person: Subscriber, typed: str) -> None:
    address = parse_address(typed)
    if address.email == person.email:
        return
    other = find(session, address)
    if other is not None and other.id != person.id:
        raise Conflict(_("Somebody else has this address."))
    if address.key != person.address_key:
        # Old links prove that somebody reads the old mailbox, not the new one.
        person.token_epoch += 1
    person.email, person.address_key, person.address_hash = address.email, address.key, address.hash
    person.standing.provider = provider_of(address.email)
