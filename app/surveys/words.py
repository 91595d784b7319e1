"""How an answer says itself on a timeline."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.events.models import Event
from app.surveys.kinds import ANSWERED


def captions(session: Session, events: Sequence[Event]) -> dict[int, str]:  # noqa: ARG001 - one form for all features
    """“9 of 10: great cheese” beneath an answer."""
    return {event.id: _said(event) for event in events if event.kind == ANSWERED.code and event.value is not None}


def _said(event: Event) -> str:
    answer = str(_("%(answer)s of 10", answer=event.value))
    comment = (event.data or {}).get("comment")
    return f"{answer}: {comment}" if comment else answer
