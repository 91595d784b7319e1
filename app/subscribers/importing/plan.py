"""What a batch of rows would do to people: who is new, who changes and how, who may not be taken. Only reads.

An import never turns somebody back on who unsubscribed, bounced, complained or was erased, whatever the file says
(TRUST L5, L14); it may well say that somebody has left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.importing.batch import with_texts
from app.importing.importer import Plan, Reject, Row, Rows
from app.importing.models import Import
from app.subscribers.importing.known import Known, known_people, table_of
from app.subscribers.importing.newcomers import GONE, Newcomers
from app.subscribers.importing.options import Options, chosen
from app.subscribers.importing.parts import HASH, KEY
from app.subscribers.importing.said import Belongings, Said
from app.subscribers.models import Status, Suppression, SuppressionReason

# Columns of the two rows of a person that an import may write.
PROFILE = ("first_name", "last_name", "time_zone", "attributes")
STATE = ("language", "country", "birthday", "birth_year", "status", "confirmed_at", "ended_at")
_STATUSES = list(Status)
_PENDING, _ACTIVE = _STATUSES.index(Status.PENDING), _STATUSES.index(Status.ACTIVE)
_REASONS = list(SuppressionReason)
_ERASED = _REASONS.index(SuppressionReason.ERASED)
_STAY = {_PENDING, _ACTIVE}
# What a file may say of somebody active without moving her.
_PLAIN = {None, Status.PENDING, Status.ACTIVE}


@dataclass(slots=True)
class Person:
    """Somebody here whom a batch may change."""

    place: int
    known: Known
    # Column → [before, after] as they are stored, with each custom field as a column of its own.
    changes: dict[str, list[Any]]
    tags: list[str]
    topics: list[int]
    # Her custom fields as they will be.
    attributes: str

    @property
    def became(self) -> Status | None:
        """The status that this import gives her; None if she keeps hers."""
        return _STATUSES[self.changes["status"][1]] if "status" in self.changes else None

    @property
    def is_touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changes or self.tags or self.topics)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written: whom the batch brings in, and whom it changes."""

    rows: Rows
    newcomers: Newcomers
    touched: Sequence[Person]


def plan(session: Session, import_: Import, rows: Rows, now: datetime) -> Plan:
    """New, changed, unchanged, rejected; `work` is a Work."""
    options = chosen(session, import_)
    rejects = [_repeat(rows[place]) for place in rows.repeats]
    keys = rows.columns[KEY]
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
    return Plan(len(newcomers), len(touched), unchanged, rejects, Work(rows, newcomers, touched))


def _newcomers(session: Session, rows: Rows, places: Sequence[int]) -> tuple[Newcomers, list[Reject]]:
    """Those whom nothing speaks against."""
    hashes = rows.columns[HASH]
    bars = _suppressed(session, [hashes[place] for place in places])
    rejects = [_barred(rows[place], bars[hashes[place]]) for place in places if hashes[place] in bars]
    free = [place for place in places if hashes[place] not in bars] if bars else places
    return Newcomers(rows.only(free)), rejects


def _present(
    session: Session, rows: Rows, present: Sequence[tuple[int, Known]], options: Options, now: datetime
) -> tuple[list[Person], list[Reject]]:
    """Those of whom the file may say something new, and those who are not to be found again."""
    rejects = [_barred(rows[place], _REASONS[_ERASED]) for place, known in present if known.reason == _ERASED]
    belongings = Belongings(session, [known.id for _place, known in present], rows, options)
    said, statuses, tags = Said(rows, options), rows.column("status"), rows.column("tags")
    people = []
    for place, known in present:
        is_same = said.is_same(place, known)
        # Most people of most files are here, stay, and have everything.
        has_all = belongings.has_all(known.id, tags[place] or ())
        stays = known.status == _ACTIVE and statuses[place] in _PLAIN and known.reason is None
        if (is_same and has_all and stays) or known.reason == _ERASED:
            continue
        moves = None if stays else _moves(statuses[place] or Status.ACTIVE, known, options)
        missing = [] if has_all else belongings.missing_tags(known.id, options.tags, tags[place] or ())
        becomes = known.status if moves is None else moves
        topics = belongings.missing_topics(known.id, options.topics) if becomes in _STAY and not has_all else []
        changes, attributes = said.changes(place, known)
        if moves is not None:
            changes |= _moved(moves, known, rows.column("agreed_at")[place] or now, now)
        people.append(Person(place, known, changes, missing, topics, attributes))
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
    bars = table_of(Suppression)
    source, is_asked = with_texts(session, bars.c.address_hash, hashes)
    statement = select(bars.c.address_hash, bars.c.reason).select_from(source).where(is_asked)
    return dict(session.execute(statement).all())


def _moves(said: Status, known: Known, options: Options) -> int | None:
    """Out whenever the file says so; in only from pending, with a basis, and when nothing speaks against it."""
    if said in GONE and known.status in _STAY:
        return _STATUSES.index(said)
    if said is Status.ACTIVE and known.status == _PENDING and options.basis and known.bar is None:
        return _ACTIVE
    return None


def _moved(status: int, known: Known, agreed_at: datetime, now: datetime) -> dict[str, list[Any]]:
    name, at = ("confirmed_at", min(agreed_at, now)) if status == _ACTIVE else ("ended_at", now)
    pairs = {"status": [known.status, status], name: [getattr(known, name), int(at.timestamp() // 1)]}
    return {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}
