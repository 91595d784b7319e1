"""Answers for machines: a survey tool tells them as they are given, as often as it likes."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.events.models import Event
from app.subscribers.addresses import parse_address
from app.subscribers.models import Subscriber
from app.subscribers.values import parse_text
from app.surveys.answers import LONGEST_COMMENT, NewAnswer, hold_people, is_plausible, take_answers
from app.surveys.kinds import ANSWERED
from app.surveys.schemas import AnswerIn, AnswerPage, AnswerQuery, AnswersIn, AnswersTaken
from segments.nps import group_of

blueprint = for_machines("surveys_api", __name__)

_TAGS = ["Surveys"]


@blueprint.post("/answers")
@blueprint.input(AnswersIn, arg_name="given")
@blueprint.output(AnswersTaken)
@blueprint.doc(summary="Bring in answers to the net promoter question", tags=_TAGS)
def add_answers(given: AnswersIn) -> dict[str, Any]:
    """Known by person and `key`, or by person and second, so bringing one twice changes nothing. A refused answer holds
    up no other."""
    with transaction() as session:
        return _take(session, given.answers, utc_now())


@blueprint.get("/answers")
@blueprint.input(AnswerQuery, location="query", arg_name="query")
@blueprint.output(AnswerPage)
@blueprint.doc(summary="List answers, the first that came in first", tags=_TAGS)
def list_answers(query: AnswerQuery) -> dict[str, Any]:
    """Of everybody, or of one person, with what they wrote."""
    statement = select(Event, Subscriber.email).join(Subscriber, Subscriber.id == Event.subscriber_id)
    statement = statement.where(Event.kind == ANSWERED.code, Event.id > query.after)
    if query.subscriber_id:
        statement = statement.where(Event.subscriber_id == query.subscriber_id)
    with reading() as session:
        found = session.execute(statement.order_by(Event.id).limit(query.limit + 1)).all()
    items = [_answer(event, email) for event, email in found[: query.limit]]
    return {"items": items, "next": items[-1]["id"] if len(found) > query.limit else None}


def _take(session: Session, given: list[AnswerIn], now: datetime) -> dict[str, Any]:
    addresses = [None if each.email is None else _address_key(each.email) for each in given]
    ids = [each.subscriber_id for each in given if each.subscriber_id is not None]
    by_address, there = hold_people(session, filter(None, addresses), ids)
    answers, rejected = [], []
    for index, (each, address) in enumerate(zip(given, addresses, strict=True)):
        person = each.subscriber_id if each.email is None else by_address.get(address or "")
        reason = _reason(each, address, is_here=person in there, now=now)
        if reason is None and person is not None:
            comment = parse_text(each.comment, LONGEST_COMMENT)
            answers.append(NewAnswer(person, each.score, each.answered_at, comment, each.key))
        else:
            rejected.append({"index": index, "reason": reason})
    created = take_answers(session, answers)
    return {"created": created, "known": len(answers) - created, "rejected": rejected}


def _reason(each: AnswerIn, address: str | None, *, is_here: bool, now: datetime) -> str | None:
    """Why an answer cannot be taken; None if it can."""
    if not is_plausible(each.answered_at, now):
        return "Nobody can have answered then: the moment is in the future, or before 2003."
    if is_here:
        return None
    if each.email is None:
        return "There is nobody with this id."
    return "There is nobody with this address." if address else "This is no email address."


def _address_key(email: str) -> str | None:
    try:
        return parse_address(email).key
    except Invalid:
        return None


def _answer(event: Event, email: str) -> dict[str, Any]:
    score = event.value or 0
    return {
        "id": event.id,
        "subscriber_id": event.subscriber_id,
        "email": email,
        "score": score,
        "group": group_of(score),
        "answered_at": event.occurred_at,
        "comment": (event.data or {}).get("comment"),
    }
