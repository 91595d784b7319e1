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
from sqlalchemy import String, select
from sqlalchemy.orm import Session

from app.importing.batch import as_table
from app.importing.importer import Plan, Reject, Row, Rows
from app.importing.models import Import
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.known import Belongings, Known, comparison, known_people
from app.subscribers.importing.newcomers import GONE, Newcomers, split_name
from app.subscribers.importing.options import Existing, Options
from app.subscribers.models import Status, Suppression, SuppressionReason

# Columns of the two rows of a person that an import may write.
PROFILE = ("first_name", "last_name", "time_zone", "attributes")
STATE = ("language", "country", "birthday", "birth_year", "status", "confirmed_at", "ended_at")


@dataclass(slots=True)
class Person:
    """Somebody here whom a batch may change: her columns as they were and as they will be."""

    id: int
    email: str
    address_hash: str
    row: Row
    before: dict[str, Any]
    values: dict[str, Any]
    # Column → [before, after], with each custom field as a column of its own.
    changes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    topics: list[int] = field(default_factory=list)

    @property
    def became(self) -> Status | None:
        """The status that this import gave her; None if she keeps hers."""
        status: Status = self.values["status"]
        return status if self.before["status"] is not status else None

    @property
    def is_touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changes or self.tags or self.topics)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written: whom the batch brings in, and whom it changes."""

    newcomers: Newcomers
    touched: Sequence[Person]


def plan(session: Session, import_: Import, rows: Rows, now: datetime) -> Plan:
    """New, changed, unchanged, rejected; `work` is a Work."""
    options = Options.model_validate(import_.options)
    rejects = [_repeat(rows[place]) for place in rows.repeats]
    keys = [address.key for address in rows.column("email")]
    known = known_people(session, [key for place, key in enumerate(keys) if place not in rows.repeats])
    fresh, present = [], []
    for place, key in enumerate(keys):
        if key not in known:
            fresh.append(place)
        elif place not in rows.repeats:
            present.append((place, known[key]))
    newcomers, barred = _newcomers(session, rows, [place for place in fresh if place not in rows.repeats])
    people, erased = _present(session, rows, present, options, now)
    rejects += barred + erased
    touched = [each for each in people if each.is_touched]
    unchanged = len(present) - len(erased) - len(touched)
    return Plan(len(newcomers), len(touched), unchanged, rejects, Work(newcomers, touched))


def _newcomers(session: Session, rows: Rows, places: Sequence[int]) -> tuple[Newcomers, list[Reject]]:
    """Those whom nothing speaks against."""
    address_hash = current_app.extensions["letterbond.tokens"].address_hash
    addresses = rows.column("email")
    hashes = [address_hash(addresses[place].key) for place in places]
    bars = _suppressed(session, hashes)
    if not bars:
        return Newcomers(rows.only(places), hashes), []
    rejects = [_barred(rows[place], bars[each]) for place, each in zip(places, hashes, strict=True) if each in bars]
    free = [(place, each) for place, each in zip(places, hashes, strict=True) if each not in bars]
    return Newcomers(rows.only([place for place, _hash in free]), [each for _place, each in free]), rejects


def _present(
    session: Session, rows: Rows, present: Sequence[tuple[int, Known]], options: Options, now: datetime
) -> tuple[list[Person], list[Reject]]:
    """Those of whom the file may say something new, and those who are not to be found again."""
    erased = SuppressionReason.ERASED
    rejects = [_barred(rows[place], erased) for place, known in present if known.bar is erased]
    ids = [known.id for _place, known in present]
    belongings = Belongings(session, ids, rows, options)
    is_same = comparison(rows, options, belongings)
    people = []
    for place, known in present:
        if known.bar is not erased and not is_same(place, known):
            person = _existing(rows[place], known, options, now)
            person.tags = belongings.missing_tags(person.id, _tags(person.row, options))
            person.topics = belongings.missing_topics(person.id, person.topics)
            people.append(person)
    return people, rejects


def _repeat(row: Row) -> Reject:
    reason: str = _("The same address is in line %(line)s already.", line=row.first_line)
    return Reject(row.line, reason, row.raw)


def _barred(row: Row, reason: SuppressionReason) -> Reject:
    sentences = {
        SuppressionReason.BOUNCED: _("Mail to this address bounced: it is on the suppression list."),
        SuppressionReason.COMPLAINED: _("Somebody complained from this address: it is on the suppression list."),
        SuppressionReason.ERASED: _("This person's data was erased: the address is on the suppression list."),
        SuppressionReason.MANUAL: _("This address is on the suppression list."),
    }
    return Reject(row.line, str(sentences[reason]), row.raw)


def _suppressed(session: Session, hashes: Iterable[str]) -> dict[str, SuppressionReason]:
    asked = as_table(session, {"hash": String()}, ((each,) for each in hashes))
    statement = select(Suppression.address_hash, Suppression.reason)
    return dict(session.execute(statement.where(Suppression.address_hash.in_(select(asked.c.hash)))).all())


def _existing(row: Row, known: Known, options: Options, now: datetime) -> Person:
    before = known.columns
    given, replaces = _given(row), options.existing is Existing.UPDATE
    attributes, had = given.pop("attributes"), before["attributes"]
    values = before | {name: value for name, value in given.items() if replaces or before[name] is None}
    if attributes:
        new = {key: value for key, value in attributes.items() if replaces or had.get(key) is None}
        values["attributes"] = {**had, **new}
    _move(values, row, options, now, is_barred=known.bar is not None)
    person = Person(known.id, known.email, known.hash, row, before, values)
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
        names = split_name(given.get("first_name"), given.get("last_name"), said["full_name"])
        given |= {name: value for name, value in zip(PROFILE, names, strict=False) if value is not None}
    if "birthday" in said:
        given.update(birthday=said["birthday"].day)
        given.update({"birth_year": said["birthday"].year} if said["birthday"].year else {})
    given["attributes"] = {name[len(FIELD) :]: value for name, value in said.items() if name.startswith(FIELD)}
    return given


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
