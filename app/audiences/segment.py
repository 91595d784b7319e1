"""Making, changing and archiving segments.

Not in charge of who is in them: the caller rings `jobs.refresh_segments` once it has committed.
"""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.audiences.models import Segment, SegmentVersion
from app.audiences.reading import Reader, reader
from app.errors import Conflict, Invalid, NotFound
from app.i18n import language
from app.marks import expect_mark
from segments.rule import JSON, Rule, RuleError, to_json


def create(session: Session, name: str, rule: object, now: datetime, description: str = "") -> Segment:
    """A new segment; Invalid when the name is taken or the rule cannot be read."""
    segment = Segment(
        name=free_name(session, name),
        description=description.strip(),
        rule=to_json(readable(reader(session, now), rule)),
        created_at=now,
        updated_at=now,
    )
    session.add(segment)
    session.flush()
    session.add(SegmentVersion(segment_id=segment.id, number=1, rule=segment.rule, since=now))
    return segment


def change(
    session: Session,
    segment_id: int,
    name: str,
    rule: object,
    now: datetime,
    description: str = "",
    *,
    seen: str | None = None,
) -> Segment:
    """The segment with another name, or a new version of its rule: whom it does not mean leaves at the next refresh.

    Conflict if it is not as it was `seen`, by its mark.
    """
    segment = find(session, segment_id)
    session.refresh(segment, with_for_update=True)
    expect_mark(seen, said_of(segment))
    segment.name = free_name(session, name, besides=segment_id)
    segment.description = description.strip()
    words = reader(session, now)
    said = readable(words, rule)
    if _leads_to(session, to_json(said), segment_id):
        message = _("The rule leads back to this segment itself.")
        raise Invalid(message, {"rule": message})
    _new_version(session, segment, to_json(said), now)
    segment.updated_at = now
    return segment


def said_of(segment: Segment) -> list[JSON]:
    """All that its form shows."""
    return [segment.name, segment.description, segment.rule]


def _new_version(session: Session, segment: Segment, rule: dict[str, JSON], now: datetime) -> None:
    """Who was in it before is history by the old words; a rule that says the same is no new version."""
    if rule == segment.rule:
        return
    before = versions(session, segment)
    segment.rule = rule
    session.add(before[-1])
    session.add(SegmentVersion(segment_id=segment.id, number=before[-1].number + 1, rule=rule, since=now))
    session.flush()


def versions(session: Session, segment: Segment) -> list[SegmentVersion]:
    """What its rule was, oldest first."""
    found = select(SegmentVersion).where(SegmentVersion.segment_id == segment.id).order_by(SegmentVersion.number)
    return list(session.scalars(found)) or [
        SegmentVersion(segment_id=segment.id, number=1, rule=segment.rule, since=segment.created_at)
    ]


def version_at(session: Session, segment: Segment, moment: datetime) -> SegmentVersion | None:
    """The version in force at that moment; None before the first."""
    begun = [version for version in versions(session, segment) if version.since <= moment]
    return begun[-1] if begun else None


def archive(session: Session, segment_id: int, now: datetime) -> bool:
    """Put it away: everybody leaves it at the next refresh. False if it was away already; Conflict while others' rules
    name it, for they would mean others than they say."""
    using = [each.name for each in users_of(session, segment_id)]
    if using:
        raise Conflict(_("Other segments name this one: %(names)s.", names=", ".join(using)))
    current = update(Segment).where(Segment.id == segment_id, Segment.archived_at.is_(None))
    return session.execute(current.values(archived_at=now, size=0).returning(Segment.id)).first() is not None


def restore(session: Session, segment_id: int) -> bool:
    """Take it back from the archive; False if it was not there."""
    archived = update(Segment).where(Segment.id == segment_id, Segment.archived_at.is_not(None))
    answer = archived.values(archived_at=None, size=None, refreshed_at=None).returning(Segment.id)
    return session.execute(answer).first() is not None


def find(session: Session, segment_id: int) -> Segment:
    """The segment, archived or not; NotFound."""
    segment = session.get(Segment, segment_id)
    if segment is None:
        raise NotFound(_("There is no such segment."))
    return segment


def current_segments(session: Session) -> list[Segment]:
    """Those not archived, by name."""
    wanted = select(Segment).where(Segment.archived_at.is_(None)).order_by(func.lower(Segment.name), Segment.id)
    return list(session.scalars(wanted))


def users_of(session: Session, segment_id: int) -> list[Segment]:
    """The current segments whose own rules name this one."""
    current = current_segments(session)
    return [each for each in current if each.id != segment_id and str(segment_id) in _named(each.rule)]


def _leads_to(session: Session, rule: object, segment_id: int) -> bool:
    """Whether a rule, or that of a segment it names, names this one: as it is now, or as it has been for a time."""
    rules = {str(found.id): found.rule for found in session.scalars(select(Segment))}
    seen: set[str] = set()
    waiting = _named(rule)
    while waiting:
        key = waiting.pop()
        seen.add(key)
        waiting |= _named(rules.get(key)) - seen
    return str(segment_id) in seen


def _named(rule: object) -> set[str]:
    """The segments that a stored rule names, read as far as it can be read."""
    match rule:
        case {"field": "segments", "value": list(keys)}:
            return set(map(str, keys))
        case {"field": "segment_held", "value": {"value": held}}:
            return {str(held)}
        case {"not": inner}:
            return _named(inner)
        case {"all": list(rules)} | {"any": list(rules)}:
            return set().union(*map(_named, rules))
    return set()


def free_name(session: Session, name: str, besides: int | None = None) -> str:
    """The name as it is kept; Invalid when it is none or another segment has it."""
    name = " ".join(name.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise Invalid(_("The segment needs a name."), {"name": _("Between 1 and 200 characters.")})
    others = select(Segment.id).where(Segment.name == name, Segment.archived_at.is_(None))
    if session.scalar(others.where(Segment.id != (besides or 0)).limit(1)):
        raise Invalid(_("Another segment has this name."), {"name": _("Another segment has this name.")})
    return name


def readable(words: Reader, rule: object) -> Rule:
    """The rule; Invalid, with the place of the mistake, if it cannot be read."""
    try:
        return words.check(rule)
    except RuleError as error:
        message = error.message(language())
        raise Invalid(message, {f"rule.{error.path}" if error.path else "rule": message}) from error
