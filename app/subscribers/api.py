"""People for machines: list, add, change, unsubscribe, erase."""

from collections.abc import Iterable
from typing import Any

from flask import jsonify
from flask.wrappers import Response
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.db import reading, transaction, utc_now
from app.errors import Invalid, NotFound
from app.outbox.jobs import deliver
from app.queue import enqueue
from app.subscribers.adding import add_subscriber
from app.subscribers.addresses import parse_address
from app.subscribers.erasing import erase
from app.subscribers.exporting import export_person
from app.subscribers.lifecycle import unsubscribe
from app.subscribers.listing import Filters, after
from app.subscribers.merge_tags import PROFILE, merge_tags
from app.subscribers.models import Subscriber
from app.subscribers.people import find, person
from app.subscribers.profile import WORDS, change_profile, topic_keys
from app.subscribers.schemas import (
    LeaveIn,
    SubscriberChange,
    SubscriberIn,
    SubscriberOut,
    SubscriberPage,
    SubscriberQuery,
)

blueprint = for_machines("subscribers_api", __name__)

_TAGS = ["Subscribers"]
_READ_ONLY = ("id", "status", "tracking", "source", "created_at", "confirmed_at")


@blueprint.get("/subscribers")
@blueprint.input(SubscriberQuery, location="query", arg_name="query")
@blueprint.output(SubscriberPage)
@blueprint.doc(summary="List people, the oldest first", tags=_TAGS)
def list_subscribers(query: SubscriberQuery) -> dict[str, Any]:
    """Without those who were erased, unless `status` asks for them."""
    with reading() as session:
        if query.email:
            found = find(session, parse_address(query.email))
            return {"items": _out(session, [found] if found else []), "next": None}
        filters = Filters(query.q, query.status, query.topic_id, query.tag_id, query.tier_id)
        people = after(session, filters, query.after, query.limit + 1)
        shown = people[: query.limit]
        return {"items": _out(session, shown), "next": shown[-1].id if len(people) > query.limit else None}


@blueprint.post("/subscribers")
@blueprint.input(SubscriberIn, arg_name="given")
@blueprint.output(SubscriberOut, status_code=201, description="The person as she is now")
@blueprint.doc(summary="Add a person, or change the one with this address", tags=_TAGS, responses=[409])
def add(given: SubscriberIn) -> dict[str, Any]:
    """Whoever left, bounced or complained is not turned on again: only she herself can come back, by confirming."""
    with transaction() as session:
        added, is_new = add_subscriber(session, _changes(given), given.basis, utc_now(), source="api", note=given.note)
        if not is_new:
            _check_read_only(session, added, given)
        answer = _out(session, [added])[0]
    enqueue(deliver)
    return answer


@blueprint.get("/subscribers/<int:subscriber_id>")
@blueprint.output(SubscriberOut)
@blueprint.doc(summary="One person", tags=_TAGS, responses=[404])
def get_subscriber(subscriber_id: int) -> dict[str, Any]:
    """By id; by address: `GET /subscribers?email=…`."""
    with reading() as session:
        return _out(session, [person(session, subscriber_id)])[0]


@blueprint.patch("/subscribers/<int:subscriber_id>")
@blueprint.input(SubscriberChange, arg_name="given")
@blueprint.output(SubscriberOut)
@blueprint.doc(summary="Change a person; absent fields stay", tags=_TAGS, responses=[404, 409])
def change_subscriber(subscriber_id: int, given: SubscriberChange) -> dict[str, Any]:
    """Status and tracking have ways of their own."""
    return _change(subscriber_id, given)


@blueprint.put("/subscribers/<int:subscriber_id>")
@blueprint.input(SubscriberChange, arg_name="given")
@blueprint.output(SubscriberOut)
@blueprint.doc(summary="Write a person back as read; absent fields stay", tags=_TAGS, responses=[404, 409])
def put_subscriber(subscriber_id: int, given: SubscriberChange) -> dict[str, Any]:
    """The same as PATCH: what the caller did not see is not wiped (TRUST S17)."""
    return _change(subscriber_id, given)


@blueprint.post("/subscribers/<int:subscriber_id>/unsubscribe")
@blueprint.input(LeaveIn, arg_name="given")
@blueprint.output(SubscriberOut)
@blueprint.doc(summary="Unsubscribe a person from a topic or from everything", tags=_TAGS, responses=[404])
def leave(subscriber_id: int, given: LeaveIn) -> dict[str, Any]:
    """Doing it twice is fine."""
    with transaction() as session:
        found = person(session, subscriber_id)
        topic_id = topic_keys(session).get(given.topic) if given.topic else None
        if given.topic and topic_id is None:
            raise NotFound("There is no such topic.")
        unsubscribe(session, found.id, utc_now(), topic_id=topic_id, how="api")
        return _out(session, [found])[0]


@blueprint.delete("/subscribers/<int:subscriber_id>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Erase a person for good (Art. 17 GDPR)", tags=_TAGS, responses=[404])
def forget(subscriber_id: int) -> str:
    """Totals stay; the address can only come back by its owner's confirmation."""
    with transaction() as session:
        erase(session, person(session, subscriber_id).id, utc_now())
    return ""


@blueprint.get("/subscribers/<int:subscriber_id>/export")
@blueprint.doc(summary="All that is kept of a person (Art. 15 GDPR)", tags=_TAGS, responses=[404])
def export(subscriber_id: int) -> Response:
    """Her rows of every table, and the proofs of her consent."""
    with reading() as session:
        return jsonify(export_person(session, person(session, subscriber_id), utc_now()))


def _change(subscriber_id: int, given: SubscriberChange) -> dict[str, Any]:
    with transaction() as session:
        found = person(session, subscriber_id)
        _check_read_only(session, found, given)
        change_profile(session, found.id, _changes(given), utc_now())
        return _out(session, [found])[0]


def _changes(given: SubscriberChange) -> dict[str, Any]:
    changes = given.model_dump(include=set(WORDS), exclude_unset=True)
    # Null empties a word; of an address or a list it says nothing.
    return {name: value for name, value in changes.items() if value is not None or name in _MAY_BE_EMPTIED}


_MAY_BE_EMPTIED = set(WORDS) - {"email", "attributes", "tags", "topics"}


def _check_read_only(session: Session, found: Subscriber, given: SubscriberChange) -> None:
    now = _out(session, [found])[0]
    wanted = given.model_dump(include=set(_READ_ONLY), exclude_unset=True)
    places = {name: "cannot be changed here" for name, value in wanted.items() if value != now[name]}
    if places:
        raise Invalid("Status, tracking and times have ways of their own.", places)


def _out(session: Session, people: Iterable[Subscriber]) -> list[dict[str, Any]]:
    shown = list(people)
    words = merge_tags(session, [each.id for each in shown], PROFILE)
    return [
        {
            **{name: value for name, value in words[each.id].items() if name != "name"},
            "id": each.id,
            "time_zone": each.time_zone,
            "status": each.standing.status,
            "tracking": each.standing.tracking,
            "source": each.source,
            "created_at": each.standing.created_at,
            "confirmed_at": each.standing.confirmed_at,
        }
        for each in shown
    ]
