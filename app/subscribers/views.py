"""People, for marketers: the list, a person's page, and what is kept of her."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, jsonify, render_template, request, url_for
from flask_babel import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.db import reading, utc_now
from app.feature import house
from app.i18n import language
from app.intake import whole, whole_or_none
from app.subscribers.consent import proof_sheet
from app.subscribers.custom_fields import custom_fields
from app.subscribers.exporting import export_person
from app.subscribers.fields import STATUS_LABELS, TRACKING_LABELS, country_choices, language_choices
from app.subscribers.listing import PAGE, Filters, counts_by_status, page_of
from app.subscribers.models import Standing, Status, Subscription, Topic
from app.subscribers.people import person
from app.subscribers.timeline import FIRST, timeline
from app.subscribers.topics import tags_of, tags_with_counts, topics

blueprint = for_marketers("subscribers", __name__, url_prefix="/subscribers")

STATUS_COLOURS = {
    Status.PENDING: "yellow",
    Status.ACTIVE: "green",
    Status.UNSUBSCRIBED: "secondary",
    Status.BOUNCED: "orange",
    Status.COMPLAINED: "red",
    Status.ERASED: "secondary",
}
_MOST = 2000


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "status_label": lambda status: STATUS_LABELS[status](language()),
        "status_colours": STATUS_COLOURS,
        "tracking_label": lambda mode: TRACKING_LABELS[mode](language()),
        "country_name": lambda code: _name(country_choices(), code),
        "language_name": lambda code: _name(language_choices(), code),
        "birthday_words": _birthday,
    }


@blueprint.get("/")
def index() -> str:
    """Everybody, by page."""
    number = max(1, request.args.get("page", 1, type=whole))
    filters = _filters(request.args)
    with reading() as session:
        people, total = page_of(session, filters, number)
        return render_template(
            "subscribers/index.html",
            people=people,
            filters=filters,
            page=_page(number, len(people), total),
            counts=counts_by_status(session),
            topics=topics(session),
            tags=tags_with_counts(session),
            tiers=_tiers(session),
        )


@blueprint.get("/<int:subscriber_id>")
def profile(subscriber_id: int) -> str:
    """All about one person."""
    with reading() as session:
        found = person(session, subscriber_id)
        lasting = (Subscription.subscriber_id == found.id) & Subscription.ended_at.is_(None)
        return render_template(
            "subscribers/profile.html",
            person=found,
            cards=house().profile_cards(session, found.id),
            tags=tags_of(session, found.id),
            subscriptions=session.execute(select(Topic, Subscription).join(Subscription).where(lasting)).all(),
            custom=[(field.label, found.attributes.get(field.key)) for field in custom_fields(session)],
            proofs=proof_sheet(session, found)["records"],
            **_timeline(session, found.id),
        )


@blueprint.get("/<int:subscriber_id>/timeline")
def older(subscriber_id: int) -> str:
    """The timeline with more entries, to be put in the place of the one before."""
    with reading() as session:
        found = person(session, subscriber_id)
        return render_template("subscribers/_timeline.html", person=found, **_timeline(session, found.id))


@blueprint.get("/<int:subscriber_id>/export.json")
def export(subscriber_id: int) -> Response:
    """All that is kept of her, to be handed out (Art. 15 GDPR)."""
    with reading() as session:
        found = person(session, subscriber_id)
        answer = jsonify(export_person(session, found, utc_now()))
    answer.headers["Content-Disposition"] = f"attachment; filename=subscriber-{subscriber_id}.json"
    return answer


@blueprint.get("/<int:subscriber_id>/consent.json")
def consent(subscriber_id: int) -> Response:
    """The proof sheet."""
    with reading() as session:
        answer = jsonify(proof_sheet(session, person(session, subscriber_id)))
    answer.headers["Content-Disposition"] = f"attachment; filename=consent-{subscriber_id}.json"
    return answer


def _birthday(standing: Standing) -> str | None:
    """`17 May 1990`, or without the year where it is unknown."""
    if not standing.birthday:
        return None
    day = date(standing.birth_year or 2000, *divmod(standing.birthday, 100))
    pattern = ("d. MMMM" if language() == "de" else "d MMMM") + (" y" if standing.birth_year else "")
    return str(format_date(day, pattern))


_FILTERS = ("q", "status", "topic", "tag", "tier")


def _filters(args: Mapping[str, str]) -> Filters:
    status = args.get("status", "")
    return Filters(
        q=args.get("q", "")[:200],
        status=Status(status) if status in set(Status) else None,
        topic_id=whole_or_none(args.get("topic")),
        tag_id=whole_or_none(args.get("tag")),
        tier_id=whole_or_none(args.get("tier")),
    )


def _page(number: int, shown: int, total: int) -> dict[str, Any]:
    first = (number - 1) * PAGE
    others: dict[str, Any] = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    return {
        "first": first + 1 if shown else 0,
        "last": first + shown,
        "total": total,
        "previous_url": url_for(".index", **others, page=number - 1) if number > 1 else None,
        "next_url": url_for(".index", **others, page=number + 1) if first + shown < total else None,
    }


def _timeline(session: Session, subscriber_id: int) -> dict[str, Any]:
    limit = min(max(request.args.get("entries", FIRST, type=whole), FIRST), _MOST)
    entries, has_older = timeline(session, subscriber_id, limit)
    return {"entries": entries, "has_older": has_older and limit < _MOST, "more": limit * 2}


def _name(choices: Any, code: str) -> str:
    label = dict(choices).get(code)
    return label(language()) if label else code


def _tiers(session: Session) -> list[tuple[str, str]]:
    """The tiers as the vocabulary names them: they are a matter of a floor above."""
    words = house().vocabulary(session)
    return [(key, label(language())) for key, label in words["tier"].options()] if "tier" in words else []
