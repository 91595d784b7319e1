"""Time travel for machines: who was in a segment on a day, and ordering the history that its rule would have had."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.audiences.backfill import WEEKLY, share_done, want_backfill
from app.audiences.jobs import work_out_histories
from app.audiences.models import Backfill
from app.audiences.past import By, Who, past, people
from app.audiences.reading import Reader, reader
from app.audiences.schemas import PageQuery
from app.audiences.segment import find
from app.db import reading, transaction, utc_now
from app.queue import enqueue
from segments.calendar import Calendar
from segments.rule import RuleError

blueprint = for_machines("segment_past_api", __name__)

_TAGS = ["Segments"]


class PastQuery(PageQuery):
    """Which day, whose rule, and which people."""

    on: date = Field(description="A day of the organisation's; its end is meant.", examples=["2026-03-01"])
    by: Literal["then", "now"] = Field("then", description="The rule of that day, or the one of today (worked out).")
    who: Literal["then", "left", "joined"] = Field(
        "then", description="Those who were in it, those of them who are not any more, or those who have come since."
    )


class HistoryOut(BaseModel):
    """A history by the rule of today: `done` is the share that is worked out, from `first_day` until `until`."""

    version: int = Field(examples=[2])
    first_day: datetime
    until: datetime
    step_days: int = Field(examples=[7])
    done: float = Field(examples=[0.25])
    finished_at: datetime | None


class PersonOut(BaseModel):
    """Somebody."""

    id: int
    email: str = Field(examples=["anna@example.org"])


class PastOut(BaseModel):
    """A day of a segment beside now. `version` and `rule` are those that answer, null before the segment began."""

    on: date
    by: str = Field(examples=["then"])
    version: int | None = Field(examples=[1])
    rule: dict[str, Any] | None
    sentence: dict[str, str] = Field(examples=[{"en": "country is Germany", "de": "Land ist Deutschland"}])
    then: int = Field(examples=[1200])
    now: int = Field(examples=[1300])
    stayed: int = Field(examples=[900])
    left: int = Field(examples=[300])
    joined: int = Field(examples=[400])
    history: HistoryOut | None
    items: list[PersonOut]
    next: int | None


class HistoryIn(BaseModel):
    """How far back."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(ge=1, le=WEEKLY, description="Up to 92 are worked out day by day, more week by week.")


@blueprint.get("/segments/<int:segment_id>/then")
@blueprint.input(PastQuery, location="query", arg_name="query")
@blueprint.output(PastOut)
@blueprint.doc(summary="See who was in a segment on a day", tags=_TAGS)
def get_past(segment_id: int, query: PastQuery) -> dict[str, Any]:
    """At the end of that day, compared with now; the people are paged by id."""
    with reading() as session:
        segment, words = find(session, segment_id), reader(session, utc_now())
        on = min(query.on, Calendar(words.now, words.zone).today)
        seen = past(session, segment, words, on, By(query.by))
        rows = session.scalars(people(segment_id, seen, Who(query.who), query.after or 0, query.limit + 1)).all()
        shown = rows[: query.limit]
        counts = {name: getattr(seen.comparison, name) for name in ("then", "now", "stayed", "left", "joined")}
        return {
            "on": seen.on,
            "by": seen.by.value,
            "version": seen.version.number if seen.version else None,
            "rule": seen.version.rule if seen.version else None,
            "sentence": _sentences(words, seen.version.rule) if seen.version else {},
            **counts,
            "history": _history(seen.backfill) if seen.backfill else None,
            "items": [{"id": person.id, "email": person.email} for person in shown],
            "next": shown[-1].id if len(rows) > query.limit else None,
        }


@blueprint.post("/segments/<int:segment_id>/history")
@blueprint.input(HistoryIn, arg_name="given")
@blueprint.output(HistoryOut, status_code=202)
@blueprint.doc(summary="Work out the history by the rule of today", tags=_TAGS)
def order_history(segment_id: int, given: HistoryIn) -> dict[str, Any]:
    """Refused where only the present is known of a word in the rule. The true history stays what it was."""
    with transaction() as session:
        answer = _ordered(session, segment_id, given.days)
    enqueue(work_out_histories)
    return answer


def _ordered(session: Session, segment_id: int, days: int) -> dict[str, Any]:
    return _history(want_backfill(session, segment_id, days, utc_now()))


def _history(order: Backfill) -> dict[str, Any]:
    names = ("version", "first_day", "until", "step_days", "finished_at")
    return {**{name: getattr(order, name) for name in names}, "done": share_done(order)}


def _sentences(words: Reader, rule: object) -> dict[str, str]:
    try:
        return {locale: words.sentence(rule, locale) for locale in ("en", "de")}
    except RuleError:
        return {}
