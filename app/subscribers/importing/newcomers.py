"""People whom a batch brings in: their rows in every table, written column by column.

Nobody else can know of them before the batch is committed, so nothing of theirs can be in anybody's way. In charge of:
that, and of what they may be mailed and tracked for. Not of: who is new (`plan.py`), nor of people who are here
already (`apply.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns, next_ids
from app.errors import Conflict
from app.events.record import record_for_all
from app.importing.importer import Rows
from app.importing.models import Import, ImportChange
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.options import Options
from app.subscribers.importing.proof import keep_proof
from app.subscribers.kinds import IMPORTED
from app.subscribers.models import Standing, Status, Subscriber, SubscriberTag, Subscription, TrackingMode
from app.subscribers.providers import provider_of

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
_COUNTS = dict.fromkeys(("sent", "opens", "clicks", "orders", "spent", "score"), Every(0))


@dataclass(frozen=True, slots=True)
class Newcomers:
    """The rows that make somebody, and the hash of each address."""

    rows: Rows
    hashes: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> Iterator[str]:
        """Of their addresses."""
        return (address.key for address in self.rows.column("email"))

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
    ids = list(next_ids(session, Subscriber, len(people)))
    statuses = people.statuses(options)
    _profiles(session, import_, people, ids)
    _standings(session, people, ids, statuses, options, now)
    _tag(session, wearers, ids)
    staying = [each for each, status in zip(ids, statuses, strict=True) if status not in GONE]
    _subscribe(session, staying, options, now)
    _prove(session, import_, people, ids, statuses, options, now)
    insert_columns(
        session, ImportChange, {"import_id": Every(import_.id), "row_id": ids, "before": Every(None)}, len(ids)
    )
    record_for_all(session, IMPORTED, ids, occurred_at=Every(now), data=Every({"import": import_.id}))
    return [pair for pair in zip(people.hashes, statuses, strict=True) if pair[1] in GONE]


def _profiles(session: Session, import_: Import, people: Newcomers, ids: Sequence[int]) -> None:
    rows = people.rows
    first, last = names_of(rows)
    columns = {
        "id": ids,
        "email": [address.email for address in rows.columns["email"]],
        "address_key": [*people.keys],
        "address_hash": people.hashes,
        "first_name": first,
        "last_name": last,
        "time_zone": rows.column("time_zone"),
        "attributes": _attributes(rows),
        "source": Every(f"import:{import_.id}"),
        "token_epoch": Every(0),
    }
    # PostgreSQL's client is not loaded where SQLite is used.
    from psycopg.errors import UniqueViolation

    try:
        insert_columns(session, Subscriber, columns, len(ids))
    except UniqueViolation as error:
        # Somebody signed up between plan and now: the batch is planned anew, by the next ring.
        raise Conflict(_("Somebody of this file has just signed up.")) from error


def names_of(rows: Rows) -> tuple[Sequence[str | None], Sequence[str | None]]:
    """First and last names, also where the file has both in one column."""
    if "full_name" not in rows.columns:
        return rows.column("first_name"), rows.column("last_name")
    said = zip(*(rows.column(name) for name in ("first_name", "last_name", "full_name")), strict=True)
    both = [split_name(*each) for each in said]
    return [first for first, _last in both], [last for _first, last in both]


def split_name(first: str | None, last: str | None, full: str | None) -> tuple[str | None, str | None]:
    """`Anna Maria Weber`: all but the last word; beside a column of first names, `name` is the last name."""
    if last is not None or full is None:
        return first, last
    if first is not None:
        return first, full
    begin, _space, end = full.rpartition(" ")
    return (begin, end) if begin else (full, None)


def _attributes(rows: Rows) -> Sequence[dict[str, Any]]:
    """Custom fields as they are stored; people of whom the same is said share theirs."""
    names = [name for name in rows.columns if name.startswith(FIELD)]
    keys = [name.removeprefix(FIELD) for name in names]
    if not names:
        return [{}] * len(rows)
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    found = []
    for said in zip(*(rows.columns[name] for name in names), strict=True):
        # Lists are no keys; their texts are.
        same = said if list not in set(map(type, said)) else tuple(map(repr, said))
        if same not in made:
            made[same] = {key: value for key, value in zip(keys, said, strict=True) if value is not None}
        found.append(made[same])
    return found


def _standings(
    session: Session,
    people: Newcomers,
    ids: Sequence[int],
    statuses: Sequence[Status],
    options: Options,
    now: datetime,
) -> None:
    rows = people.rows
    born = rows.column("birthday")
    agreed = [now if at is None else min(at, now) for at in rows.column("agreed_at")]
    columns = {
        "subscriber_id": ids,
        "status": statuses,
        "tracking": [options.tracking if each is Status.ACTIVE else TrackingMode.NONE for each in statuses],
        "language": rows.column("language"),
        "country": rows.column("country"),
        "birthday": [each and each.day for each in born],
        "birth_year": [each and each.year for each in born],
        "created_at": Every(now),
        "confirmed_at": [at if each is Status.ACTIVE else None for at, each in zip(agreed, statuses, strict=True)],
        "ended_at": [now if each in GONE else None for each in statuses],
        "provider": [_provider(address.email.rpartition("@")[2]) for address in rows.columns["email"]],
    }
    insert_columns(session, Standing, columns | _COUNTS, len(ids))


@lru_cache(4096)
def _provider(domain: str) -> Any:
    return provider_of(domain)


def _tag(session: Session, wearers: Mapping[int, Iterable[int]], ids: Sequence[int]) -> None:
    for tag_id, places in sorted(wearers.items()):
        people = [ids[place] for place in places]
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
    at, ip, addresses = rows.column("agreed_at"), rows.column("agreed_ip"), rows.column("email")
    said = [(ids[place], addresses[place].email, at[place] or now, ip[place]) for place in places]
    keep_proof(session, import_, options, said, options.tracking)
