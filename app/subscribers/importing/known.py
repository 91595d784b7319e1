"""Who of a batch is here already, and whether the file says anything new of her.

Most rows of most files say nothing new, so that is found out from what the database holds, without making anything of
it: a row costs a look-up and a comparison. In charge of: these, and of locking whom the batch may change. Not of: what
becomes of a person (`plan.py`); whatever is not plainly the same is looked at there.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, SmallInteger, Table, Text, cast, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from app.db import one_of
from app.importing.batch import as_table
from app.importing.importer import Rows
from app.subscribers.importing.columns import FIELD
from app.subscribers.importing.newcomers import GONE, names_of
from app.subscribers.importing.options import Options
from app.subscribers.models import Standing, Status, Subscriber, SubscriberTag, Subscription, Suppression, Tag
from app.subscribers.models import SuppressionReason as Reason

_STATUSES, _REASONS = list(Status), list(Reason)


class Known(NamedTuple):
    """Somebody as the database holds her: `attributes` as JSON text, states by number, moments as seconds."""

    id: int
    key: str
    email: str
    hash: str
    first_name: str | None
    last_name: str | None
    time_zone: str | None
    attributes: str
    language: str | None
    country: str | None
    birthday: int | None
    birth_year: int | None
    status_code: int
    confirmed_at: int | None
    ended_at: int | None
    reason_code: int | None

    @property
    def bar(self) -> Reason | None:
        """Why her address is on the suppression list, if it is."""
        return None if self.reason_code is None else _REASONS[self.reason_code]

    @property
    def columns(self) -> dict[str, Any]:
        """What an import may write, as it is now."""
        found = self._asdict()
        for name in ("id", "key", "email", "hash", "reason_code"):
            del found[name]
        moments = {name: _moment(found[name]) for name in ("confirmed_at", "ended_at")}
        status = _STATUSES[found.pop("status_code")]
        return found | moments | {"attributes": json.loads(self.attributes), "status": status}


def known_people(session: Session, keys: Sequence[str]) -> dict[str, Known]:
    """By address, locked: whoever wants to leave meanwhile leaves after this batch, and has left."""
    people, state, bars = _table(Subscriber), _table(Standing), _table(Suppression)
    columns: list[Any] = [people.c[name] for name in ("id", "address_key", "email", "address_hash")]
    columns += [people.c[name] for name in ("first_name", "last_name", "time_zone")]
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    text = cast(people.c.attributes, Text) if is_postgresql else type_coerce(people.c.attributes, Text)
    columns += [text, *(state.c[name] for name in ("language", "country", "birthday", "birth_year"))]
    columns += [type_coerce(state.c[name], BigInteger) for name in ("status", "confirmed_at", "ended_at")]
    columns.append(type_coerce(bars.c.reason, SmallInteger))
    joined = people.join(state, state.c.subscriber_id == people.c.id)
    joined = joined.outerjoin(bars, bars.c.address_hash == people.c.address_hash)
    if is_postgresql:
        # No address has a line break in it.
        asked = func.any(func.string_to_array(literal("\n".join(keys)), "\n"))
        statement = select(*columns).select_from(joined).where(people.c.address_key == asked)
        statement = statement.order_by(people.c.id).with_for_update(of=state)
    else:
        each = func.json_each(json.dumps(keys)).table_valued("value")
        statement = select(*columns).select_from(joined).where(people.c.address_key.in_(select(each.c.value)))
    return {found[1]: Known._make(found) for found in session.execute(statement)}


class Belongings:
    """Which tags and topics of a batch these people have, or had."""

    def __init__(self, session: Session, ids: Sequence[int], rows: Rows, options: Options) -> None:
        names = {*options.tags, *(name for names in set_of_tags(rows) for name in names)}
        self._wearers = _wearers(session, ids, names) if ids else dict.fromkeys(names, frozenset[int]())
        self._subscribed = {topic: _subscribers(session, ids, topic) for topic in options.topics}

    def missing_tags(self, person: int, names: Iterable[str]) -> list[str]:
        """Those of these that she does not wear."""
        return [name for name in names if person not in self._wearers[name]]

    def missing_topics(self, person: int, topics: Iterable[int]) -> list[int]:
        """Those of these that she never subscribed to."""
        return [topic for topic in topics if person not in self._subscribed[topic]]


def set_of_tags(rows: Rows) -> Iterable[Sequence[str]]:
    """The cells of tags that there are, each once: they are remembered, so equal ones are hardly ever two."""
    return {id(names): names for names in rows.columns.get("tags", ()) if names}.values()


def comparison(rows: Rows, options: Options, belongings: Belongings) -> Callable[[int, Known], bool]:
    """Whether the row at a place says nothing that is not known of this person; False where that is not plain."""
    pick, wanted = _profiles(rows)
    fields, values = _attributes(rows)
    statuses, own_tags = rows.column("status"), rows.column("tags")
    pending, active = _STATUSES.index(Status.PENDING), _STATUSES.index(Status.ACTIVE)

    def is_same(place: int, known: Known) -> bool:
        code = known.status_code
        if statuses[place] in GONE or (code == pending and options.basis):
            return False
        if not _adds_nothing(wanted[place], pick(known)):
            return False
        if values and not _adds_nothing(values[place], fields(known.attributes)):
            return False
        if belongings.missing_tags(known.id, options.tags) or belongings.missing_tags(known.id, own_tags[place] or ()):
            return False
        return code not in {pending, active} or not belongings.missing_topics(known.id, options.topics)

    return is_same


def _adds_nothing(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    return new == old or all(value is None or value == known for value, known in zip(new, old, strict=True))


_PROFILE = ("first_name", "last_name", "time_zone", "language", "country", "birthday", "birth_year")


def _profiles(rows: Rows) -> tuple[Callable[[Known], tuple[Any, ...]], Sequence[tuple[Any, ...]]]:
    """What picks the columns of the file from what is known, and what the file says of them."""
    first, last = names_of(rows)
    born = rows.column("birthday")
    days, years = [each and each.day for each in born], [each and each.year for each in born]
    said = (first, last, *(rows.column(name) for name in ("time_zone", "language", "country")), days, years)
    named = {"full_name": ("first_name", "last_name"), "birthday": ("birthday", "birth_year")}
    given = {each for name in rows.columns for each in named.get(name, (name,))}
    # Of one column `itemgetter` would make no tuple: the address is always among them, and is the same.
    places = [Known._fields.index("key"), *(Known._fields.index(name) for name in _PROFILE if name in given)]
    keys = [address.key for address in rows.column("email")]
    columns = [keys, *(of for name, of in zip(_PROFILE, said, strict=True) if name in given)]
    return itemgetter(*places, places[0]), list(zip(*columns, keys, strict=True))


def _attributes(rows: Rows) -> tuple[Callable[[str], tuple[Any, ...]], Sequence[tuple[Any, ...]]]:
    """The same for custom fields; what a text says of them is found out once."""
    names = [name for name in rows.columns if name.startswith(FIELD)]
    keys = [name.removeprefix(FIELD) for name in names]
    read: dict[str, tuple[Any, ...]] = {}

    def fields(text: str) -> tuple[Any, ...]:
        if text not in read:
            found = json.loads(text)
            read[text] = tuple([found.get(key) for key in keys])
        return read[text]

    return fields, list(zip(*(rows.columns[name] for name in names), strict=True))


def _wearers(session: Session, ids: Sequence[int], names: Iterable[str]) -> dict[str, set[int]]:
    asked = as_table(session, {"name": Tag.name.type}, ((name,) for name in names))
    numbers = session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(select(asked.c.name)))).all()
    table = _table(SubscriberTag)
    wearing: dict[int, set[int]] = {number: set() for _name, number in numbers}
    worn = select(table.c.tag_id, table.c.subscriber_id).where(one_of(table.c.subscriber_id, ids))
    for tag, person in session.execute(worn):
        if tag in wearing:
            wearing[tag].add(person)
    return {name: set[int]() for name in names} | {name: wearing[number] for name, number in numbers}


def _subscribers(session: Session, ids: Sequence[int], topic: int) -> set[int]:
    """Who has or had a subscription to it."""
    table = _table(Subscription)
    mine = select(table.c.subscriber_id).where(table.c.topic_id == topic, one_of(table.c.subscriber_id, ids))
    return set(session.scalars(mine))


def _table(model: Any) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
