"""Which orders of a batch are new, which are here already, and which have no customer. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.importing.importer import Plan, Reject, Rows
from app.importing.models import Import
from app.shop.importing.options import Options, Unknown
from app.shop.orders import known_keys, order_key
from app.subscribers.hold import hold_by_address
from app.subscribers.importing.options import Options as PeopleOptions
from app.subscribers.importing.parts import KEY, with_parts
from app.subscribers.importing.plan import plan as plan_people
from app.subscribers.models import Status


@dataclass(frozen=True, slots=True)
class Work:
    """The new orders, the customers who are here, by address, and the plan of those who are not yet."""

    rows: Rows
    customers: Mapping[str, int]
    people: Plan


def plan(session: Session, import_: Import, rows: Rows, now: datetime) -> Plan:
    """New and known orders, and those without a customer; `work` is a Work."""
    options = Options.model_validate(import_.options)
    addresses, keys = rows.columns[KEY], _numbered(rows)
    customers = hold_by_address(session, set(addresses))
    strangers = {key: place for place, key in enumerate(addresses) if key not in customers}
    people = Plan()
    if strangers and options.unknown is Unknown.CREATE:
        people = _planned_people(session, import_, rows, [*strangers.values()], now)
    nobodies = strangers.keys() - (people.work.newcomers.keys if people.work else ())
    rejects = _rejects(rows, addresses, {key: strangers[key] for key in nobodies}, people)
    good = [place for place, key in enumerate(addresses) if key not in nobodies]
    known = known_keys(session, [keys[place] for place in good])
    # Two rows may still have one key: of products that are called like the second of two equal orders.
    fresh = {keys[place]: place for place in reversed(good) if keys[place] not in known}
    new = rows.with_columns({**rows.columns, "key": keys}).only(sorted(fresh.values()))
    return Plan(len(new), 0, len(good) - len(new), rejects, Work(new, customers, people))


def as_people(import_: Import) -> Import:
    """The same import, as the people's importer sees it: no basis, no topics."""
    options = PeopleOptions().model_dump(mode="json")
    return Import(id=import_.id, file_name=import_.file_name, options=options)


def _numbered(rows: Rows) -> Sequence[str]:
    """The keys, with those of equal rows counted."""
    keys = [*rows.column("key")]
    for place, (times, _first) in rows.repeats.items():
        keys[place] = order_key((keys[place],), times)
    return keys


def _planned_people(session: Session, import_: Import, rows: Rows, places: Sequence[int], now: datetime) -> Plan:
    strangers = rows.only(places)
    said = {name: strangers.columns[name] for name in ("email", KEY)}
    pending = {"status": [Status.PENDING] * len(places)}
    return plan_people(session, as_people(import_), with_parts(strangers.with_columns(said | pending)), now)


def _rejects(rows: Rows, addresses: Sequence[str], nobodies: Mapping[str, int], people: Plan) -> Sequence[Reject]:
    """The orders of those who are not here and will not be, each with what speaks against its customer."""
    if not nobodies:
        return ()
    refused, nobody = {each.line: each.reason for each in people.rejects}, _("There is no customer with this address.")
    reasons = {key: refused.get(rows.lines[place], nobody) for key, place in nobodies.items()}
    found = [(place, reasons[key]) for place, key in enumerate(addresses) if key in reasons]
    return [Reject(rows.lines[place], reason, rows.raws[place]) for place, reason in found]
