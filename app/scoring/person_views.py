"""Where one person's scores come from, entry by entry, and the tiers she has had."""

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.db import reading, utc_now
from app.errors import NotFound
from app.events.models import Event
from app.i18n import language
from app.intake import whole
from app.scoring.explain import Entry, explain_score
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import MAIN
from app.scoring.points import score_clocks
from app.scoring.words import condition_choices
from app.subscribers.models import Subscriber

blueprint = for_marketers("person_scores", __name__, url_prefix="/scoring/people")

PAGE = 50


@blueprint.get("/<int:subscriber_id>")
def show(subscriber_id: int) -> str:
    """One named score: by rule, and entry by entry, adding up to the score."""
    clock_id = request.args.get("score", MAIN, type=whole)
    with reading() as session:
        person = session.get(Subscriber, subscriber_id)
        found = explain_score(session, subscriber_id, utc_now(), clock_id)
        if person is None or found is None:
            raise NotFound(_("There is no such score."))
        return render_template(
            "scoring/person.html",
            person=person,
            found=found,
            clocks=score_clocks(session),
            changes=_changes(session, subscriber_id) if clock_id == MAIN else [],
            spoken=language,
            choices=condition_choices(session),
            page=_pages(found.entries, subscriber_id, clock_id, request.args.get("page", 1, type=whole)),
        )


def _pages(entries: tuple[Entry, ...], subscriber_id: int, clock_id: int, number: int) -> dict[str, Any]:
    """A page of entries, what those on newer and older pages are together, and the ways there."""
    last_page = max(1, -(-len(entries) // PAGE))
    number = min(max(number, 1), last_page)
    first = (number - 1) * PAGE

    def url(page: int) -> str | None:
        there = 1 <= page <= last_page
        return url_for(".show", subscriber_id=subscriber_id, score=clock_id, page=page) if there else None

    return {
        "entries": entries[first : first + PAGE],
        "newer": sum(entry.hundredths_now for entry in entries[:first]) / 100,
        "older": sum(entry.hundredths_now for entry in entries[first + PAGE :]) / 100,
        "first": min(first + 1, len(entries)),
        "last": min(first + PAGE, len(entries)),
        "total": len(entries),
        "previous_url": url(number - 1),
        "next_url": url(number + 1),
    }


def _changes(session: Session, subscriber_id: int) -> list[Event]:
    """Her tiers over time, newest first; what they were called is forgotten with who she was."""
    hers = (Event.subscriber_id == subscriber_id, Event.kind == TIER_CHANGED.code)
    found = select(Event).where(*hers).order_by(Event.occurred_at.desc(), Event.id.desc())
    return [event for event in session.scalars(found.limit(100)) if event.data]
