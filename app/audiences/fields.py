"""The words that rules may say about segments, and about tiers over time.

In charge of: being in a segment (which means its rule, at this moment), being in it for so long (which the memberships
know), snapshots, and the changes of tier that are events. Not of the rules of segments themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, and_, cast, false, func, select
from sqlalchemy.orm import Session, aliased

from app.audiences.models import LASTS, Membership, Segment, Snapped, Snapshot
from app.events.models import Event
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import Tier
from app.scoring.tiers import all_tiers, tier_label
from app.subscribers.models import Standing
from segments.label import Label
from segments.rule import All, Condition, Rule, RuleError, conditions, parse
from segments.truth import known
from segments.vocabulary import Choices, Field, FieldType, Group, Happening


def fields(session: Session) -> Iterator[Field]:
    """The words of this feature."""
    group, segments = Group.SEGMENTS, _Segments(session)
    yield Field(
        "segments",
        Label("segments", "Segmente"),
        FieldType.LIST,
        group=group,
        choices=segments.choices,
        aliases=("segment",),
        means=segments.rule,
    )
    held = Label("segment without a break", "Segment ohne Unterbrechung")
    yield Field(
        "segment_held",
        held,
        FieldType.STATE,
        _member_since,
        group,
        segments.choices,
        aliases=("segment",),
        shows=_joined,
    )
    found = session.execute(select(Snapshot.id, Snapshot.name).order_by(Snapshot.id.desc()))
    known = tuple((str(key), Label(name, name)) for key, name in found)
    yield Field("snapshots", Label("snapshots", "Momentaufnahmen"), FieldType.LIST, _was_snapped, group, known)
    group = Group.SCORE_AND_TIER
    tiers = tuple((str(tier.id), tier_label(tier.name)) for tier in all_tiers(session))
    label = Label("tier without a break", "Stufe ohne Unterbrechung")
    yield Field(
        "tier_held",
        label,
        FieldType.STATE,
        _tier_since,
        group,
        tiers,
        aliases=("tier", "Stufe"),
        shows=lambda _key: Standing.tier_since,
    )
    rose, fell = Label("rose in tier", "in der Stufe gestiegen"), Label("fell in tier", "in der Stufe gefallen")
    yield Field("tier_rose", rose, FieldType.EVENT, _changed(up=True), group, shows=_changes(up=True))
    yield Field("tier_fell", fell, FieldType.EVENT, _changed(up=False), group, shows=_changes(up=False))


class _Segments:
    """The segments of now, asked once where they are needed at all."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[str, Segment] | None = None

    def _all(self) -> dict[str, Segment]:
        if self._found is None:
            rows = self._session.scalars(select(Segment).order_by(func.lower(Segment.name), Segment.id))
            self._found = {str(row.id): row for row in rows}
        return self._found

    def choices(self) -> Choices:
        """Those that can be named."""
        rows = self._all().items()
        return tuple((key, Label(row.name, row.name)) for key, row in rows if row.archived_at is None)

    def rule(self, key: str) -> Rule | None:
        """Whom the segment means, those who count in it at all; one that was put away keeps its meaning."""
        found = self._all().get(key)
        if found is None:
            return None
        try:
            rule = parse(found.rule)
        except RuleError as error:
            english, german = (f"{found.name}: {error.message(locale)}" for locale in ("en", "de"))
            raise RuleError("", Label(english, german)) from error
        return All((population_rule(rule), rule))


def population_rule(rule: Rule) -> Rule:
    """Whom a segment with this rule can have, as a rule: `reading.population`."""
    if any(condition.field == "status" for _, condition in conditions(rule)):
        return Condition("status", "is_not", "erased")
    return Condition("status", "is", "active")


def _member_since(key: str, since: datetime) -> ColumnElement[bool]:
    lasting = (Membership.segment_id == int(key), Membership.left_at == LASTS, Membership.joined_at < since)
    return Standing.subscriber_id.in_(select(Membership.subscriber_id).where(*lasting))


def _joined(key: str) -> ColumnElement[datetime]:
    mine = (Membership.segment_id == int(key), Membership.left_at == LASTS)
    joined = select(Membership.joined_at).where(*mine, Membership.subscriber_id == Standing.subscriber_id)
    return joined.correlate(Standing).scalar_subquery()


def _was_snapped(keys: Sequence[str]) -> ColumnElement[bool]:
    ids = [int(key) for key in keys if key.isdecimal()]
    return Standing.subscriber_id.in_(select(Snapped.subscriber_id).where(Snapped.snapshot_id.in_(ids)))


def _tier_since(key: str, since: datetime) -> ColumnElement[bool]:
    """The lowest tier is had from the beginning, without a change."""
    began = func.coalesce(Standing.tier_since, Standing.created_at)
    return known(Standing.tier_id.expression, and_(Standing.tier_id == int(key), began < since))


def _changed(*, up: bool) -> Callable[[Happening], ColumnElement[bool]]:
    """Who changed tier in a time did not change it for the last time before that: few are left to look up."""

    def sql(happening: Happening) -> ColumnElement[bool]:
        since = happening.since
        last = Standing.tier_since.is_not(None) if since is None else Standing.tier_since >= since
        return and_(func.coalesce(last, false()), _changes(up=up)(happening) >= happening.at_least)

    return sql


def _changes(*, up: bool) -> Callable[[Happening], ColumnElement[int]]:
    """How often somebody rose, or fell; by the thresholds of today, so a tier that is gone is neither."""

    def counted(happening: Happening) -> ColumnElement[int]:
        old, new = aliased(Tier), aliased(Tier)
        wanted = [Event.subscriber_id == Standing.subscriber_id, Event.kind == TIER_CHANGED.code]
        wanted += [Event.occurred_at >= happening.since] if happening.since else []
        wanted += [Event.occurred_at < happening.until] if happening.until else []
        lowest = select(func.min(Tier.threshold)).scalar_subquery()
        before = func.coalesce(old.threshold, lowest)
        moved = select(func.count()).select_from(Event).join(new, new.id == _id("to_id"))
        moved = moved.outerjoin(old, old.id == _id("from_id"))
        further = new.threshold > before if up else new.threshold < before
        return moved.where(*wanted, further).correlate(Standing).scalar_subquery()

    return counted


def _id(name: str) -> ColumnElement[int]:
    return cast(Event.data[name].as_integer(), BigInteger)
