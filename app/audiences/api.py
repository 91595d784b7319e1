"""Segments for machines: make and change them, count a rule, list members."""

from dataclasses import asdict
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.audiences.count import count
from app.audiences.explain import explain
from app.audiences.jobs import refresh_segments
from app.audiences.models import LASTS, Membership, Segment
from app.audiences.reading import Reader, reader
from app.audiences.schemas import (
    CountOut,
    FreezeIn,
    LanguageQuery,
    MemberPage,
    PageQuery,
    ReadOut,
    RuleIn,
    SegmentIn,
    SegmentOut,
    SegmentPage,
    SegmentPatch,
    SentenceIn,
    WhyOut,
)
from app.audiences.segment import archive, change, create, find, readable
from app.audiences.snapshot import freeze
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.queue import enqueue
from app.subscribers.models import Subscriber
from segments.rule import to_json
from segments.typed import SentenceError, read_sentence

blueprint = for_machines("segments_api", __name__)

_TAGS = ["Segments"]


@blueprint.get("/segments")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(SegmentPage)
@blueprint.doc(summary="List segments, oldest first", tags=_TAGS)
def list_segments(query: PageQuery) -> dict[str, Any]:
    """All segments that were not put away."""
    with reading() as session:
        words = reader(session, utc_now())
        found = select(Segment).where(Segment.id > (query.after or 0), Segment.archived_at.is_(None))
        rows = session.scalars(found.order_by(Segment.id).limit(query.limit + 1)).all()
        return _page([_out(row, words) for row in rows], query.limit)


@blueprint.post("/segments")
@blueprint.input(SegmentIn, arg_name="given")
@blueprint.output(SegmentOut, status_code=201)
@blueprint.doc(summary="Create a segment", tags=_TAGS)
def create_segment(given: SegmentIn) -> dict[str, Any]:
    """Its members are written down within moments."""
    now = utc_now()
    with transaction() as session:
        answer = _written(session, create(session, given.name, given.rule, now, given.description))
    enqueue(refresh_segments)
    return answer


@blueprint.get("/segments/<int:segment_id>")
@blueprint.output(SegmentOut)
@blueprint.doc(summary="Get a segment", tags=_TAGS)
def get_segment(segment_id: int) -> dict[str, Any]:
    """One segment, also one that was put away."""
    with reading() as session:
        return _written(session, find(session, segment_id))


@blueprint.patch("/segments/<int:segment_id>")
@blueprint.input(SegmentPatch, arg_name="given")
@blueprint.output(SegmentOut)
@blueprint.doc(summary="Change a segment", tags=_TAGS)
def change_segment(segment_id: int, given: SegmentPatch) -> dict[str, Any]:
    """Whom the new rule does not mean leaves the segment."""
    with transaction() as session:
        row = find(session, segment_id)
        current = {"name": row.name, "description": row.description, "rule": row.rule}
        values = {**current, **given.model_dump(exclude_none=True)}
        answer = _written(session, change(session, segment_id, now=utc_now(), **values))
    enqueue(refresh_segments)
    return answer


@blueprint.delete("/segments/<int:segment_id>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Put a segment away", tags=_TAGS)
def archive_segment(segment_id: int) -> str:
    """Everybody leaves it; its history stays."""
    with transaction() as session:
        archive(session, find(session, segment_id).id, utc_now())
    enqueue(refresh_segments)
    return ""


@blueprint.post("/segments/count")
@blueprint.input(RuleIn, arg_name="given")
@blueprint.output(CountOut)
@blueprint.doc(summary="Count the people of a rule", tags=_TAGS)
def count_rule(given: RuleIn) -> dict[str, Any]:
    """Nothing is saved."""
    with reading() as session:
        words = reader(session, utc_now())
        rule = readable(words, given.rule)
        return {
            "count": count(session, words.matching(rule, side_by_side=True)),
            "sentence": _sentences(words, given.rule),
        }


@blueprint.post("/segments/read")
@blueprint.input(SentenceIn, arg_name="given")
@blueprint.output(ReadOut)
@blueprint.doc(summary="Read a typed sentence", tags=_TAGS)
def read(given: SentenceIn) -> dict[str, Any]:
    """The rule it says; nothing is saved. A mistake is told with its column."""
    with reading() as session:
        words = reader(session, utc_now())
        try:
            rule = to_json(read_sentence(given.sentence, words.vocabulary, given.language))
        except SentenceError as error:
            message = error.message(given.language)
            raise Invalid(message, {"sentence": message}) from error
        return {"rule": rule, "sentence": _sentences(words, rule)}


@blueprint.post("/segments/<int:segment_id>/freeze")
@blueprint.input(FreezeIn, arg_name="given")
@blueprint.output(SegmentOut, status_code=201)
@blueprint.doc(summary="Freeze a segment", tags=_TAGS)
def freeze_segment(segment_id: int, given: FreezeIn) -> dict[str, Any]:
    """Another segment, of the people whom this one means now; it stays as it is."""
    with transaction() as session:
        answer = _written(session, freeze(session, segment_id, given.name, utc_now()))
    enqueue(refresh_segments)
    return answer


@blueprint.get("/segments/<int:segment_id>/why/<int:subscriber_id>")
@blueprint.input(LanguageQuery, location="query", arg_name="query")
@blueprint.output(WhyOut)
@blueprint.doc(summary="Explain why somebody is in a segment or not", tags=_TAGS)
def explain_membership(segment_id: int, subscriber_id: int, query: LanguageQuery) -> dict[str, Any]:
    """By the rule of now; refused while the rule cannot be read."""
    with reading() as session, force_locale(query.language):
        segment, words = find(session, segment_id), reader(session, utc_now())
        problem = words.problem(segment.rule)
        if problem:
            message = problem.message(query.language)
            raise Invalid(message, {"rule": message})
        return asdict(explain(session, words, segment.rule, subscriber_id, query.language))


@blueprint.get("/segments/<int:segment_id>/members")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(MemberPage)
@blueprint.doc(summary="List the members of a segment", tags=_TAGS)
def list_members(segment_id: int, query: PageQuery) -> dict[str, Any]:
    """Those who were in it when it was looked at last."""
    with reading() as session:
        find(session, segment_id)
        found = select(Subscriber.id, Subscriber.email, Membership.joined_at.label("since")).join(
            Membership, (Membership.subscriber_id == Subscriber.id) & (Membership.left_at == LASTS)
        )
        newer = found.where(Membership.segment_id == segment_id, Membership.subscriber_id > (query.after or 0))
        rows = session.execute(newer.order_by(Membership.subscriber_id).limit(query.limit + 1)).mappings()
        return _page([dict(row) for row in rows], query.limit)


def _page(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """The first `limit` of rows, of which there is one more if another page follows."""
    return {"items": rows[:limit], "next": rows[limit - 1]["id"] if len(rows) > limit else None}


def _written(session: Session, segment: Segment) -> dict[str, Any]:
    return _out(segment, reader(session, utc_now()))


def _out(segment: Segment, words: Reader) -> dict[str, Any]:
    problem = words.problem(segment.rule)
    sentence = {} if problem else _sentences(words, segment.rule)
    names = SegmentOut.model_fields.keys() - {"sentence", "problem"}
    row = {name: getattr(segment, name) for name in names}
    return {**row, "sentence": sentence, "problem": problem.message.en if problem else None}


def _sentences(words: Reader, rule: object) -> dict[str, str]:
    return {locale: words.sentence(rule, locale) for locale in ("en", "de")}
