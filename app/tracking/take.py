"""What becomes of hits: judged, and recorded as far as each person agreed to (TRUST L8, L9).

The mode that counts is the one at this moment, not the one the mail was rendered in: personal makes an Event and
totals, aggregate totals alone, none nothing at all. Not in charge of: reading the spool (`events/ingest.py`), the
rules (`verdict.py`), or what events do to a person's counts (`counts.py`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, func, select, true, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.bulk import Columns
from app.campaigns.models import Campaign
from app.campaigns.urls import EVERYBODY
from app.changes import find_by_keys, numbers
from app.delivery.models import Delivery, Shard
from app.events.buffer import Record
from app.events.models import PLACES, Verdict
from app.events.record import record_columns
from app.importing.batch import as_table
from app.subscribers.hold import hold
from app.subscribers.models import Standing, TrackingMode
from app.tracking.devices import devices_of
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import NO_LINK, OWN_LINK, HitCount
from app.tracking.verdict import RULESET, Bursts, Hit, HitKind, Mail, Rules

_CODES = {HitKind.OPEN.value: OPENED.code, HitKind.CLICK.value: CLICKED.code}
_RULESET = {"ruleset": RULESET}
_PLAIN = json.dumps(_RULESET)
_HUMAN = PLACES[Verdict.HUMAN]
_MODES = list(TrackingMode)
_NONE, _AGGREGATE, _PERSONAL = map(_MODES.index, (TrackingMode.NONE, TrackingMode.AGGREGATE, TrackingMode.PERSONAL))
_SUBSCRIBER = attrgetter("subscriber_id")
_COUNTED = ("campaign_id", "kind", "position", "verdict", "hour", "hits")
# In milliseconds, as hits have them.
_HOUR = 3_600_000
# `see` wants to be shown nothing but clicks.
MARK = f',"{HitKind.CLICK}",'.encode()
# A ledger is written some moments after its mails went out, and the clocks of hosts differ by some.
_LEDGER_LAG = timedelta(minutes=5)


class Judged(NamedTuple):
    """A hit and the place of its verdict; `position` is the link's in the campaign's table."""

    hit: Hit
    position: int
    verdict: int


def see(records: Iterable[Record]) -> Bursts:
    """The bursts among the hits of some stretch of time, which `take_hits` judges by: those of clicks."""
    return Bursts(_hits(each for each in records if len(each) > 1 and each[1] == HitKind.CLICK))


def take_hits(session: Session, records: Sequence[Record], bursts: Bursts, rules: Rules) -> None:
    """Judge and record a batch from the spool."""
    hits = _hits(records)
    if not hits:
        return
    find_by_keys(session)
    people, moved = _people(session, hits), _moved(session, hits)
    hits = [hit for hit in hits if hit.campaign_id in moved and hit.subscriber_id in people]
    # Rows of one person, and of those beside her, lie together: so each page is written once.
    hits.sort(key=_SUBSCRIBER)
    sent = _sent(session, hits, moved, rules.instant)
    judged = [
        Judged(
            hit, _position(hit.kind, hit.link), PLACES[rules.judge(hit, sent.get(hit.mail) if sent else None, bursts)]
        )
        for hit in hits
    ]
    _count(session, judged)
    _record(session, [each for each in judged if people[each.hit.subscriber_id][1] == _PERSONAL], people)


def _hits(records: Iterable[Record]) -> list[Hit]:
    """The hits that the records say; a record of another shape is left out."""
    length = len(Hit._fields)
    return [Hit._make(each) for each in records if len(each) == length and each[1] in _CODES]


@lru_cache(maxsize=4096)
def _position(kind: str, link: str) -> int:
    if kind == HitKind.OPEN:
        return NO_LINK
    return int(link) if link.isdecimal() else OWN_LINK


def _people(session: Session, hits: Iterable[Hit]) -> dict[int, Sequence[Any]]:
    """Those of whom anything may be learnt now, with that (a place in _MODES) and the mask of their devices.

    Their rows are locked, so what is read stays true.
    """
    rows = hold(session, {hit.subscriber_id for hit in hits}, Standing.tracking, Standing.devices)
    known: dict[int, Sequence[Any]] = {row[0]: row for row in rows if row[1] != _NONE}
    known[EVERYBODY] = (EVERYBODY, _AGGREGATE, None)
    return known


def _moved(session: Session, hits: Iterable[Hit]) -> dict[int, int | None]:
    """Those of the campaigns that are there, with the second in which anything last happened in their ledger."""
    last = select(func.max(type_coerce(Shard.touched_at, BigInteger))).where(Shard.campaign_id == Campaign.id)
    query = select(Campaign.id, last.scalar_subquery())
    return dict(session.execute(query.where(Campaign.id.in_({hit.campaign_id for hit in hits}))).all())


def _sent(
    session: Session, hits: Sequence[Hit], moved: Mapping[int, int | None], instant: timedelta
) -> dict[Mail, float]:
    """When mails were sent, in seconds since 1970, of campaigns whose ledger moved so lately that it may matter."""
    people: dict[int, set[int]] = defaultdict(set)
    lately = min((hit.at for hit in hits), default=0) / 1000 - (instant + _LEDGER_LAG).total_seconds()
    for hit in hits:
        last = moved[hit.campaign_id]
        if last is None or last > lately:
            people[hit.campaign_id].add(hit.subscriber_id)
    sent: dict[Mail, float] = {}
    for campaign, ids in people.items():
        asked = select(numbers(session, id=ids).c.id)
        query = select(Delivery.subscriber_id, type_coerce(Delivery.sent_at, BigInteger))
        found = query.where(Delivery.campaign_id == campaign, Delivery.subscriber_id.in_(asked))
        sent.update(((campaign, person), at) for person, at in session.execute(found) if at is not None)
    return sent


def _count(session: Session, judged: Iterable[Judged]) -> None:
    """Add to the totals that name nobody."""
    hours = Counter(
        (hit.campaign_id, _CODES[hit.kind], position, verdict, hit.at // _HOUR * _HOUR // 1000)
        for hit, position, verdict in judged
    )
    if not hours:
        return
    types = dict.fromkeys(_COUNTED, BigInteger())
    rows = as_table(session, types, ((*key, number) for key, number in sorted(hours.items())))
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(HitCount).from_select(_COUNTED, select(rows).where(true()))
    more = {"hits": HitCount.hits + new.excluded.hits}
    session.execute(new.on_conflict_do_update(index_elements=_COUNTED[:-1], set_=more))


def _record(session: Session, personal: Sequence[Judged], people: Mapping[int, Sequence[Any]]) -> None:
    hits = [each.hit for each in personal]
    columns: Columns = {
        "kind": [_CODES[hit.kind] for hit in hits],
        "subscriber_id": [hit.subscriber_id for hit in hits],
        "occurred_at": [hit.at // 1000 for hit in hits],
        "campaign_id": [hit.campaign_id for hit in hits],
        "link": [None if each.position == NO_LINK else each.position for each in personal],
        "verdict": [each.verdict for each in personal],
        "data": [_data(each.hit.link) if each.position == OWN_LINK else _PLAIN for each in personal],
    }
    seen = [(each.hit.subscriber_id, each.hit.agent) for each in personal if each.verdict == _HUMAN]
    before = {person: people[person][2] or 0 for person, _agent in seen}
    record_columns(session, columns, len(hits), devices_of(seen, before))


def _data(target: str) -> str:
    return json.dumps(_RULESET | {"target": target})
