"""What becomes of hits: judged, and recorded as far as each person agreed to (TRUST L8, L9).

The mode that counts is the one at this moment, not the one the mail was rendered in: personal makes an Event and
totals, aggregate totals alone, none nothing at all. Not in charge of: reading the spool (`events/ingest.py`), the
rules (`verdict.py`), or what events do to a person's counts (`counts.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.bulk import numbers
from app.campaigns.models import Campaign
from app.campaigns.urls import EVERYBODY
from app.delivery.models import Delivery
from app.events.buffer import Record
from app.events.models import Verdict
from app.events.record import happening, record
from app.subscribers.hold import hold
from app.subscribers.models import Standing, TrackingMode
from app.tracking.devices import remember
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import NO_LINK, OWN_LINK, HitCount
from app.tracking.verdict import RULESET, Bursts, Hit, HitKind, Mail, Rules

_KINDS = {HitKind.OPEN.value: OPENED, HitKind.CLICK.value: CLICKED}
_RULESET = {"ruleset": RULESET}
_MODES = list(TrackingMode)
# In milliseconds, as hits have them.
_HOUR = 3_600_000


class Known(NamedTuple):
    """What is known of a person before her hits are: what may be learnt from her, and the mask of her devices."""

    mode: TrackingMode
    devices: int


@dataclass(slots=True)
class Judged:
    """A hit with its verdict, and whose it is. `position` is the link's place in the campaign's table."""

    hit: Hit
    verdict: Verdict
    known: Known
    position: int


def see(records: Iterable[Record]) -> Bursts:
    """The bursts among the hits of some stretch of time, which `take_hits` judges by: those of clicks."""
    return Bursts(_hits(each for each in records if len(each) > 1 and each[1] == HitKind.CLICK))


def take_hits(session: Session, records: Sequence[Record], bursts: Bursts, rules: Rules) -> None:
    """Judge and record a batch from the spool."""
    hits = _hits(records)
    if not hits:
        return
    people, sent = _people(session, hits), _sent(session, hits)
    campaigns = _campaigns(session, hits)
    judged = [
        Judged(hit, rules.judge(hit, sent.get((hit.campaign_id, hit.subscriber_id)), bursts), known, _position(hit))
        for hit in hits
        if hit.campaign_id in campaigns and (known := people.get(hit.subscriber_id))
    ]
    _count(session, judged)
    personal = [each for each in judged if each.known.mode is TrackingMode.PERSONAL]
    # Rows of one person, and of those beside her, lie together: so each page is written once.
    personal.sort(key=lambda each: each.hit.subscriber_id)
    record(session, [_happening(each) for each in personal])
    seen = ((each.hit.subscriber_id, each.hit.agent) for each in personal if each.verdict is Verdict.HUMAN)
    remember(session, seen, {person: known.devices for person, known in people.items()})


def _hits(records: Iterable[Record]) -> list[Hit]:
    """The hits that the records say; a record of another shape is left out."""
    length = len(Hit._fields)
    return [Hit(*each) for each in records if len(each) == length and each[1] in _KINDS]


def _position(hit: Hit) -> int:
    if hit.kind == HitKind.OPEN:
        return NO_LINK
    return int(hit.link) if hit.link.isdecimal() else OWN_LINK


def _people(session: Session, hits: Sequence[Hit]) -> dict[int, Known]:
    """Those of whom anything may be learnt now; their rows are locked, so what is read stays true."""
    rows = hold(session, {hit.subscriber_id for hit in hits}, Standing.tracking, Standing.devices)
    known = {person: Known(_MODES[tracking], devices or 0) for person, tracking, devices in rows}
    return {EVERYBODY: Known(TrackingMode.AGGREGATE, 0)} | {
        person: each for person, each in known.items() if each.mode is not TrackingMode.NONE
    }


def _sent(session: Session, hits: Sequence[Hit]) -> dict[Mail, float]:
    """When each mail was sent, in seconds since 1970."""
    people: dict[int, set[int]] = defaultdict(set)
    for hit in hits:
        people[hit.campaign_id].add(hit.subscriber_id)
    sent: dict[Mail, float] = {}
    for campaign, ids in people.items():
        asked = select(numbers(session, id=ids).c.id)
        query = select(Delivery.subscriber_id, type_coerce(Delivery.sent_at, BigInteger))
        found = query.where(Delivery.campaign_id == campaign, Delivery.subscriber_id.in_(asked))
        sent.update(((campaign, person), at) for person, at in session.execute(found) if at is not None)
    return sent


def _campaigns(session: Session, hits: Sequence[Hit]) -> set[int]:
    return set(session.scalars(select(Campaign.id).where(Campaign.id.in_({hit.campaign_id for hit in hits}))))


def _count(session: Session, judged: Sequence[Judged]) -> None:
    """Add to the totals that name nobody."""
    hours = Counter(
        (each.hit.campaign_id, _KINDS[each.hit.kind].code, each.position, each.verdict, each.hit.at // _HOUR)
        for each in judged
    )
    if not hours:
        return
    names = ("campaign_id", "kind", "position", "verdict", "hour")
    rows: list[dict[str, Any]] = [
        {
            **dict(zip(names, key, strict=True)),
            "hour": datetime.fromtimestamp(key[-1] * _HOUR // 1000, UTC),
            "hits": hits,
        }
        for key, hits in sorted(hours.items())
    ]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(HitCount)
    more = {"hits": HitCount.hits + insert.excluded.hits}
    session.execute(insert.on_conflict_do_update(index_elements=list(names), set_=more), rows)


def _happening(judged: Judged) -> dict[str, Any]:
    hit, position = judged.hit, judged.position
    return happening(
        _KINDS[hit.kind],
        hit.subscriber_id,
        datetime.fromtimestamp(hit.at / 1000, UTC),
        campaign_id=hit.campaign_id,
        link=None if position == NO_LINK else position,
        verdict=judged.verdict,
        data=_RULESET | {"target": hit.link} if position == OWN_LINK else _RULESET,
    )
