"""Segments, for marketers: the list, one segment, its members, and why somebody is in it or not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from app.accounts.access import for_marketers
from app.audiences.count import count
from app.audiences.explain import Explanation, explain
from app.audiences.history import sizes
from app.audiences.jobs import refresh_segments
from app.audiences.models import LASTS, Membership, Segment
from app.audiences.reading import Reader, reader
from app.audiences.segment import archive, current_segments, find, restore
from app.audiences.snapshot import freeze
from app.audiences.starters import starters
from app.db import reading, transaction, utc_now
from app.feature import house
from app.formatting import day as formatted
from app.i18n import language
from app.intake import whole
from app.queue import enqueue
from app.spreadsheet import Cell, download
from app.subscribers.models import Subscriber
from app.undo import flash_undo
from segments.calendar import Calendar

blueprint = for_marketers("audiences", __name__, url_prefix="/segments")

PAGE = 50
DAYS = 90


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {"says": lambda words, rule: words.sentence(rule, language()), "spoken": language}


@blueprint.get("/")
def index() -> str:
    """All segments, or ready-made ones to begin with."""
    with reading() as session:
        words = reader(session, utc_now())
        segments = current_segments(session)
        problems = {segment.id: words.problem(segment.rule) for segment in segments}
        ready = starters(words.vocabulary)
        page = {"segments": segments, "words": words, "problems": problems, "starters": ready}
        return render_template("audiences/index.html", **page)


@blueprint.get("/<int:segment_id>")
def show(segment_id: int) -> str:
    """One segment: what it says, how it grew, who is in it."""
    with reading() as session:
        segment, words = find(session, segment_id), reader(session, utc_now())
        problem = words.problem(segment.rule)
        return render_template(
            "audiences/show.html",
            segment=segment,
            words=words,
            problem=problem,
            size=segment.size if problem else count(session, words.people(segment.rule, side_by_side=True)),
            growth=_growth(session, segment, words),
            frozen_name=_frozen_name(segment, words),
            uses=house().segment_uses(session, segment_id),
            **_members(session, segment_id, request.args.get("after", 0, type=whole)),
        )


@blueprint.get("/<int:segment_id>/why")
def why(segment_id: int) -> str:
    """Why somebody is in the segment, or not."""
    address = request.args.get("address", "").strip()
    with reading() as session:
        segment, words = find(session, segment_id), reader(session, utc_now())
        person = session.scalar(select(Subscriber).where(Subscriber.address_key == address.casefold()))
        found = _explained(session, words, segment, person) if person else None
        page = {"segment": segment, "person": person, "explanation": found, "address": address}
        return render_template("audiences/why.html", **page)


@blueprint.post("/<int:segment_id>/archive")
def put_away(segment_id: int) -> Answer:
    """Out of sight; its history stays."""
    with transaction() as session:
        name = find(session, segment_id).name
        archive(session, segment_id, utc_now())
    enqueue(refresh_segments)
    flash_undo(_("“%(name)s” was put away.", name=name), url_for(".take_back", segment_id=segment_id))
    return redirect(url_for(".index"))


@blueprint.post("/<int:segment_id>/restore")
def take_back(segment_id: int) -> Answer:
    """Undo putting it away."""
    with transaction() as session:
        restore(session, segment_id)
    enqueue(refresh_segments)
    flash(_("The segment is back."), "success")
    return redirect(url_for(".show", segment_id=segment_id))


@blueprint.post("/<int:segment_id>/freeze")
def freeze_now(segment_id: int) -> Answer:
    """Write down whom it means now, as another segment."""
    with transaction() as session:
        made = freeze(session, segment_id, request.form.get("name", ""), utc_now()).id
    enqueue(refresh_segments)
    flash(_("Frozen: this segment stays as it is."), "success")
    return redirect(url_for(".show", segment_id=made))


@blueprint.get("/<int:segment_id>/members.csv")
def export(segment_id: int) -> Response:
    """Who is in it now, as a file (TRUST S7)."""
    with reading() as session:
        find(session, segment_id)
    return download(f"segment-{segment_id}", _rows(segment_id))


def _rows(segment_id: int) -> Iterator[tuple[Cell, ...]]:
    yield "email", "first_name", "last_name", "language", "country", "since"
    with reading() as session:
        words = reader(session, utc_now())
        lasting = (Membership.subscriber_id == Subscriber.id) & (Membership.left_at == LASTS)
        found = select(Subscriber, Membership.joined_at).join(Membership, lasting).order_by(Subscriber.id)
        rows = session.execute(found.where(Membership.segment_id == segment_id).execution_options(yield_per=1000))
        for person, since in rows:
            at = person.standing
            day = since.astimezone(words.zone).date().isoformat()
            yield person.email, person.first_name, person.last_name, at.language, at.country, day


def _frozen_name(segment: Segment, words: Reader) -> str:
    on = formatted(words.now.astimezone(words.zone))
    return f"{segment.name[:170]} ({on})"


def _members(session: Session, segment_id: int, after: int) -> dict[str, Any]:
    lasting = (Membership.subscriber_id == Subscriber.id) & (Membership.left_at == LASTS)
    found = select(Subscriber, Membership.joined_at).join(Membership, lasting)
    # In the order of the memberships' own key: else the database sorts everybody who is in it.
    newer = found.where(Membership.segment_id == segment_id, Membership.subscriber_id > after)
    rows = session.execute(newer.order_by(Membership.subscriber_id).limit(PAGE + 1)).all()
    return {"members": rows[:PAGE], "after": after, "next": rows[PAGE - 1][0].id if len(rows) > PAGE else None}


def _explained(session: Session, words: Reader, segment: Segment, person: Subscriber) -> Explanation | None:
    problem = words.problem(segment.rule)
    return None if problem else explain(session, words, segment.rule, person.id, language())


def _growth(session: Session, segment: Segment, words: Reader) -> dict[str, Any] | None:
    """Size at the end of each day since the segment began, for the chart; None before there is a second day."""
    calendar = Calendar(words.now, words.zone)
    first = max(calendar.in_days(-DAYS), segment.created_at.astimezone(words.zone).date())
    days = [first + timedelta(days=number) for number in range((calendar.today - first).days + 1)]
    if len(days) < 2:
        return None
    ends = [calendar.start(day + timedelta(days=1)) for day in days]
    labels = [formatted(each, "short") for each in days]
    values = sizes(session, segment.id, ends)
    return {"labels": labels, "series": [{"name": _("People"), "values": values}], "axis": _("Day")}
