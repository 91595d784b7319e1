"""What a batch of rows would do to people: who is new, who changes and how, who may not be taken. Only reads.

An import never turns somebody back on who unsubscribed, bounced, complained or was erased, whatever the file says
(TRUST L5, L14); it may well say that somebody has left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import BigInteger, String, select
from sqlalchemy import Row as Found
from sqlalchemy.orm import Session

from app.importing.batch import as_table
from app.importing.importer import Plan, Reject, Row
from app.importing.models import Import
from app.subscribers.addresses import Address
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.options import Existing, Options
from app.subscribers.models import (
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Suppression,
    SuppressionReason,
    Tag,
    TrackingMode,
)

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
# Columns of the two rows of a person that an import may write.
PROFILE = ("first_name", "last_name", "time_zone", "attributes")
STATE = ("language", "country", "birthday", "birth_year", "status", "confirmed_at", "ended_at")
_KEPT = (*PROFILE, *STATE)


@dataclass(slots=True)
class Person:
    """Somebody that a batch makes or changes: her columns as they will be, and what they were (empty if new)."""

    id: int
    address: Address
    address_hash: str
    values: dict[str, Any]
    row: Row
    before: dict[str, Any] | None = None
    # Column → [before, after], with each custom field as a column of its own; for an existing person.
    changes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    topics: list[int] = field(default_factory=list)
    tracking: TrackingMode = TrackingMode.NONE

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def became(self) -> Status | None:
        """The status that this import gave her; None if she keeps hers."""
        status: Status = self.values["status"]
        return status if self.before is None or self.before["status"] is not status else None


def plan(session: Session, import_: Import, rows: Sequence[Row], now: datetime) -> Plan:
    """New, changed, unchanged, rejected; `work` is the list of Persons to write."""
    options = Options.model_validate(import_.options)
    rejects = [_repeat(row) for row in rows if row.repeats]
    firsts = [row for row in rows if not row.repeats]
    address_hash = current_app.extensions["letterbond.tokens"].address_hash
    hashes = {row.line: address_hash(row.values["email"].key) for row in firsts}
    barred = _suppressed(session, hashes.values())
    known = _known(session, [row.values["email"].key for row in firsts])
    wearing, subscribed = _belongings(session, [each.id for each in known.values()])
    people = []
    for row in firsts:
        found = known.get(row.values["email"].key)
        reason = barred.get(hashes[row.line])
        if reason and (found is None or reason is SuppressionReason.ERASED):
            rejects.append(Reject(row.line, _barred(reason), row.raw))
        elif found is None:
            people.append(_new(row, hashes[row.line], options, now))
        else:
            person = _existing(row, found, hashes[row.line], options, now, is_barred=reason is not None)
            person.tags = [name for name in person.tags if (found.id, name) not in wearing]
            person.topics = [each for each in person.topics if (found.id, each) not in subscribed]
            people.append(person)
    touched = [each for each in people if each.is_new or each.changes or each.tags or each.topics]
    new = sum(each.is_new for each in people)
    return Plan(new, len(touched) - new, len(people) - len(touched), rejects, touched)


def _repeat(row: Row) -> Reject:
    reason: str = _("The same address is in line %(line)s already.", line=row.first_line)
    return Reject(row.line, reason, row.raw)


def _barred(reason: SuppressionReason) -> str:
    sentences = {
        SuppressionReason.BOUNCED: _("Mail to this address bounced: it is on the suppression list."),
        SuppressionReason.COMPLAINED: _("Somebody complained from this address: it is on the suppression list."),
        SuppressionReason.ERASED: _("This person's data was erased: the address is on the suppression list."),
        SuppressionReason.MANUAL: _("This address is on the suppression list."),
    }
    return str(sentences[reason])


def _suppressed(session: Session, hashes: Iterable[str]) -> dict[str, SuppressionReason]:
    asked = as_table(session, {"hash": String()}, ((each,) for each in hashes))
    statement = select(Suppression.address_hash, Suppression.reason)
    return dict(session.execute(statement.where(Suppression.address_hash.in_(select(asked.c.hash)))).all())


def _known(session: Session, keys: Sequence[str]) -> dict[str, Found[Any]]:
    """Who is here already, locked: whoever wants to leave meanwhile leaves after this batch, and has left."""
    asked = as_table(session, {"key": String()}, ((each,) for each in keys))
    # The id and the key, then _KEPT in its order.
    columns = [getattr(Subscriber, name) for name in ("id", "address_key", *PROFILE)]
    columns += [getattr(Standing, name) for name in STATE]
    statement = (
        select(*columns)
        .join(Standing, Standing.subscriber_id == Subscriber.id)
        .where(Subscriber.address_key.in_(select(asked.c.key)))
        .order_by(Subscriber.id)
        .with_for_update(of=Standing)
    )
    return {found.address_key: found for found in session.execute(statement)}


def _belongings(session: Session, ids: Sequence[int]) -> tuple[set[tuple[int, str]], set[tuple[int, int]]]:
    """Who wears which tag, and has or had which subscription."""
    if not ids:
        return set(), set()
    asked = select(as_table(session, {"id": BigInteger()}, ((each,) for each in ids)).c.id)
    tags = select(SubscriberTag.subscriber_id, Tag.name).join(Tag, Tag.id == SubscriberTag.tag_id)
    wearing = session.execute(tags.where(SubscriberTag.subscriber_id.in_(asked)))
    topics = select(Subscription.subscriber_id, Subscription.topic_id)
    subscribed = session.execute(topics.where(Subscription.subscriber_id.in_(asked)))
    return {(each, tag) for each, tag in wearing}, {(each, topic) for each, topic in subscribed}


def _new(row: Row, address_hash: str, options: Options, now: datetime) -> Person:
    given = _given(row)
    attributes = given.pop("attributes")
    values = {**dict.fromkeys((*PROFILE, *STATE)), **given, "attributes": attributes}
    status = row.values.get("status", Status.ACTIVE)
    values["status"] = Status.PENDING if status is Status.ACTIVE and options.basis is None else status
    if values["status"] is Status.ACTIVE:
        values["confirmed_at"] = min(row.values.get("agreed_at", now), now)
    elif values["status"] in GONE:
        values["ended_at"] = now
    person = Person(
        0, row.values["email"], address_hash, values, row, tags=_tags(row, options), tracking=options.tracking
    )
    person.topics = [] if values["status"] in GONE else list(options.topics)
    return person


def _existing(
    row: Row, found: Found[Any], address_hash: str, options: Options, now: datetime, *, is_barred: bool
) -> Person:
    before: dict[str, Any] = dict(zip(_KEPT, found[2:], strict=True))
    given, replaces = _given(row), options.existing is Existing.UPDATE
    attributes, known = given.pop("attributes"), before["attributes"]
    values = before | {name: value for name, value in given.items() if replaces or before[name] is None}
    if attributes:
        new = {key: value for key, value in attributes.items() if replaces or known.get(key) is None}
        values["attributes"] = {**known, **new}
    _move(values, row, options, now, is_barred=is_barred)
    person = Person(found.id, row.values["email"], address_hash, values, row, before, tags=_tags(row, options))
    person.changes = _changes(before, values)
    person.topics = list(options.topics) if values["status"] in {Status.PENDING, Status.ACTIVE} else []
    return person


def _move(values: dict[str, Any], row: Row, options: Options, now: datetime, *, is_barred: bool) -> None:
    """Out whenever the file says so; in only from pending, with a basis, and when nothing speaks against it."""
    said = row.values.get("status", Status.ACTIVE)
    if said in GONE and values["status"] in {Status.PENDING, Status.ACTIVE}:
        values.update(status=said, ended_at=now)
    elif said is Status.ACTIVE and values["status"] is Status.PENDING and options.basis and not is_barred:
        values.update(status=Status.ACTIVE, confirmed_at=min(row.values.get("agreed_at", now), now))


def _given(row: Row) -> dict[str, Any]:
    """The filled cells as columns of a person."""
    said = row.values
    given: dict[str, Any] = {
        name: said[name] for name in ("first_name", "last_name", "time_zone", "language", "country") if name in said
    }
    if "full_name" in said:
        _split_name(given, said["full_name"])
    if "birthday" in said:
        given.update(birthday=said["birthday"].day)
        given.update({"birth_year": said["birthday"].year} if said["birthday"].year else {})
    given["attributes"] = {name[len(FIELD) :]: value for name, value in said.items() if name.startswith(FIELD)}
    return given


def _split_name(given: dict[str, Any], full: str) -> None:
    """`Anna Maria Weber`: all but the last word; beside a column of first names, `name` is the last name."""
    if "last_name" in given:
        return
    first, _space, last = full.rpartition(" ")
    if "first_name" in given:
        given["last_name"] = full
    else:
        given.update({"first_name": first, "last_name": last} if first else {"first_name": last})


def _tags(row: Row, options: Options) -> list[str]:
    return list(dict.fromkeys([*options.tags, *row.values.get("tags", ())]))


def _changes(before: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    if before == values:
        return {}
    changes = {name: [old, values[name]] for name, old in before.items() if old != values[name]}
    if changes.pop("attributes", None):
        known, new = before["attributes"], values["attributes"]
        pairs = {key: [known.get(key), value] for key, value in new.items()}
        changes |= {FIELD + key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    return changes
