"""Time travel, for marketers: who was in a segment on a day, beside who is in it now."""

from datetime import date
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.audiences.backfill import share_done, want_backfill
from app.audiences.jobs import work_out_histories
from app.audiences.models import Segment
from app.audiences.past import By, Past, Who, past, people
from app.audiences.reading import Reader, reader
from app.audiences.segment import find, versions
from app.audiences.then import without_history
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.i18n import language
from app.intake import whole
from app.queue import enqueue
from segments.calendar import Calendar
from segments.rule import RuleError

blueprint = for_marketers("segment_past", __name__, url_prefix="/segments")

PAGE = 50


@blueprint.get("/<int:segment_id>/then")
def show(segment_id: int) -> str:
    """A day of the segment; yesterday, where none is chosen."""
    with reading() as session:
        segment, words = find(session, segment_id), reader(session, utc_now())
        seen = past(session, segment, words, _day(words), _by())
        who, after = _who(), request.args.get("after", 0, type=whole)
        rows = session.scalars(people(segment_id, seen, who, after, PAGE + 1)).all()
        page = {"people": rows[:PAGE], "after": after, "next": rows[PAGE - 1].id if len(rows) > PAGE else None}
        return render_template("audiences/then.html", **page, **_shown(session, segment, words, seen), who=who)


@blueprint.post("/<int:segment_id>/history")
def work_out(segment_id: int) -> Response:
    """Order the history by the present rule."""
    on = request.form.get("on", "")[:10]
    try:
        with transaction() as session:
            want_backfill(session, segment_id, request.form.get("days", 0, type=whole), utc_now())
    except Invalid as error:
        flash(error.message, "error")
        return redirect(url_for(".show", segment_id=segment_id, on=on))
    enqueue(work_out_histories)
    return redirect(url_for(".show", segment_id=segment_id, on=on, by=By.RULE_NOW.value))


def _day(words: Reader) -> date:
    calendar = Calendar(words.now, words.zone)
    try:
        return min(date.fromisoformat(request.args.get("on", "")), calendar.today)
    except ValueError:
        return calendar.in_days(-1)


def _by() -> By:
    return By.RULE_NOW if request.args.get("by") == By.RULE_NOW.value else By.RULE_THEN


def _who() -> Who:
    return next((each for each in Who if each.value == request.args.get("who")), Who.THEN)


def _shown(session: Session, segment: Segment, words: Reader, seen: Past) -> dict[str, Any]:
    return {
        "segment": segment,
        "seen": seen,
        "today": Calendar(words.now, words.zone).today,
        "says": _says(words, seen.version.rule) if seen.version else None,
        "versions": versions(session, segment),
        "sentence_of": partial(_says, words),
        "unknown": _without_history(words, segment.rule),
        "done": share_done(seen.backfill) if seen.backfill else None,
        "By": By,
        "Who": Who,
    }


def _says(words: Reader, rule: object) -> str | None:
    try:
        return words.sentence(rule, language())
    except RuleError:
        return None


def _without_history(words: Reader, rule: object) -> list[str]:
    """Why the present rule cannot be asked of the past; nothing is said where it can, or cannot be read at all."""
    try:
        return without_history(words, rule, language())
    except RuleError:
        return []
