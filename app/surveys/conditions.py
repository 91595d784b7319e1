"""What score rules may ask of an answer: how high it is, and of which group."""

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import ScoreCondition
from app.surveys.fields import GROUPS
from app.surveys.kinds import ANSWERED
from segments.label import Label
from segments.nps import HIGHEST, NpsGroup
from segments.vocabulary import Choices

_ANSWERS = frozenset({ANSWERED.name})
_NO_ANSWER = -1


def _answer(text: str) -> str:
    """A whole number from 0 to 10."""
    typed = text.strip()
    if not typed.isdecimal() or len(typed) > 3 or int(typed) > HIGHEST:
        raise ValueError(_("An answer is a whole number from 0 to 10."))
    return str(int(typed))


def _is_so_high(value: str) -> ColumnElement[bool]:
    return func.coalesce(Event.value, _NO_ANSWER) >= int(value)


def _known_group(text: str) -> str:
    if text not in {group.value for group in NpsGroup}:
        raise ValueError(_("There is no such group of answers."))
    return text


def _is_of(value: str) -> ColumnElement[bool]:
    return NpsGroup(value).has(func.coalesce(Event.value, _NO_ANSWER))


def _groups(_session: Session) -> Choices:
    return GROUPS


CONDITIONS = (
    ScoreCondition("answer_at_least", Label("answer at least", "Antwort mindestens"), _ANSWERS, _is_so_high, _answer),
    ScoreCondition("nps_group", Label("group", "Gruppe"), _ANSWERS, _is_of, _known_group, _groups),
)
