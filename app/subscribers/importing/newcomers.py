"""People whom a batch brings in: their rows in every table, written column by column.

Nobody else can know of them before the batch is committed, so nothing of theirs can be in anybody's way. In charge of:
that, and of what they may be mailed and tracked for. Not of: who is new (`plan.py`), nor of people who are here
already (`apply.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.bulk import Every, Stored, insert_columns, next_ids
from app.events.record import record_for_all
from app.importing.batch import no_twins
from app.importing.importer import Rows
from app.importing.models import Import, ImportChange
from app.subscribers.importing.options import Options
from app.subscribers.importing.parts import FIELDS, HASH, KEY, PROVIDER
from app.subscribers.importing.proof import Said, keep_proof
from app.subscribers.kinds import IMPORTED
from app.subscribers.models import Standing, Status, Subscriber, SubscriberTag, Subscription, TrackingMode

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
_COUNTS = dict.fromkeys(("sent", "opens", "clicks", "orders", "spent", "score"), Every(0))


@dataclass(frozen=True, slots=True)
class Newcomers:
    """The rows that make somebody."""

    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def hashes(self) -> Sequence[str]:
        """Of their addresses."""
        return self.rows.columns[HASH]

    @property
    def keys(self) -> Sequence[str]:
        """Of their addresses."""
        return self.rows.columns[KEY]

    def statuses(self, options: Options) -> Sequence[Status]:
        """What becomes of each: without a basis nobody can be mailed (TRUST L5)."""
        usual = Status.PENDING if options.basis is None else Status.ACTIVE
        if "status" not in self.rows.columns:
            return [usual] * len(self.rows)
        return [usual if said in {None, Status.ACTIVE} else said for said in self.rows.columns["status"]]

    def tags(self, options: Options) -> Mapping[str, Sequence[int]]:
        """Tag → the places of those who wear it."""
        wearers: dict[str, Sequence[int]] = {name: range(len(self.rows)) for name in options.tags}
        own: dict[str, list[int]] = {}
        for place, names in enumerate(self.rows.columns.get("tags", ())):
            for name in names or ():
                own.setdefault(name, []).append(place)
        return {**own, **wearers}


def add(
    session: Session,
    import_: Import,
    people: Newcomers,
    options: Options,
    wearers: Mapping[int, Sequence[int]],
    now: datetime,
) -> Sequence[tuple[str, Status]]:
    """Write them all, of whom these places wear these tags; the hashes of those who are gone, and how they went."""
    if not len(people):
        return ()
    ids = next_ids(session, Subscriber, len(people))
    statuses = people.statuses(options)
    _profiles(session, import_, people, ids)
    _standings(session, people, ids, statuses, options, now)
    _tag(session, wearers, ids)
    _subscribe(session, _some(ids, [place for place, each in enumerate(statuses) if each not in GONE]), options, now)
    _prove(session, import_, people, ids, statuses, options, now)
    insert_columns(
        session, ImportChange, {"import_id": Every(import_.id), "row_id": ids, "before": Every(None)}, len(ids)
    )
    record_for_all(session, IMPORTED, ids, occurred_at=Every(now), data=Every({"import": import_.id}))
    return [pair for pair in zip(people.hashes, statuses, strict=True) if pair[1] in GONE]


def _profiles(session: Session, import_: Import, people: Newcomers, ids: Sequence[int]) -> None:
    rows = people.rows
    columns = {
        "id": ids,
        "email": rows.columns["email"],
        "address_key": people.keys,
        "address_hash": people.hashes,
        **{name: rows.columns.get(name, Every(None)) for name in ("first_name", "last_name", "time_zone")},
        "attributes": Stored(rows.columns[FIELDS]),
        "source": Every(f"import:{import_.id}"),
        "token_epoch": Every(0),
    }
    with no_twins(session, _("Somebody of this file has just signed up.")):
        insert_columns(session, Subscriber, columns, len(ids))


def _standings(
    session: Session,
    people: Newcomers,
    ids: Sequence[int],
    statuses: Sequence[Status],
    options: Options,
    now: datetime,
) -> None:
    rows = people.rows
    agreed = [now if at is None else min(at, now) for at in rows.column("agreed_at")]
    columns = {
        "subscriber_id": ids,
        "status": statuses,
        "tracking": [options.tracking if each is Status.ACTIVE else TrackingMode.NONE for each in statuses],
        **{name: rows.columns.get(name, Every(None)) for name in ("language", "country", "birthday", "birth_year")},
        "created_at": Every(now),
        "confirmed_at": [at if each is Status.ACTIVE else None for at, each in zip(agreed, statuses, strict=True)],
        "ended_at": [now if each in GONE else None for each in statuses],
        "provider": rows.columns[PROVIDER],
    }
    insert_columns(session, Standing, columns | _COUNTS, len(ids))


def _tag(session: Session, wearers: Mapping[int, Sequence[int]], ids: Sequence[int]) -> None:
    for tag_id, places in sorted(wearers.items()):
        people = _some(ids, places)
        insert_columns(session, SubscriberTag, {"tag_id": Every(tag_id), "subscriber_id": people}, len(people))


def _subscribe(session: Session, ids: Sequence[int], options: Options, now: datetime) -> None:
    for topic in options.topics:
        columns = {"topic_id": Every(topic), "subscriber_id": ids, "subscribed_at": Every(now)}
        insert_columns(session, Subscription, columns, len(ids))


def _prove(
    session: Session,
    import_: Import,
    people: Newcomers,
    ids: Sequence[int],
    statuses: Sequence[Status],
    options: Options,
    now: datetime,
) -> None:
    rows, places = people.rows, [place for place, status in enumerate(statuses) if status is Status.ACTIVE]
    at, machines, addresses = rows.columns.get("agreed_at"), rows.columns.get("agreed_ip"), rows.columns["email"]
    said = Said(
        _some(ids, places),
        _some(addresses, places),
        [at[place] or now for place in places] if at else Every(now),
        _some(machines, places) if machines else Every(None),
    )
    keep_proof(session, import_, options, said, options.tracking)


def _some(values: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    """Those at these places; mostly all of them."""
    return values if len(places) == len(values) else [values[place] for place in places]
