"""The words that rules may say about answers."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.subscribers.models import Standing
from app.surveys.kinds import ANSWERED
from segments.label import Label
from segments.nps import NpsGroup, group_case
from segments.truth import known
from segments.vocabulary import Field, FieldType, Group, Happening

GROUPS = tuple((group.value, group.label) for group in NpsGroup)


def fields(_session: Session) -> Iterator[Field]:
    """The words of this feature; unknown of everybody who never answered."""
    group = Group.SURVEYS
    answer = Label("NPS answer", "NPS-Antwort")
    yield Field("nps", answer, FieldType.NUMBER, lambda: Standing.last_nps.expression, group)
    yield Field("nps_group", Label("NPS group", "NPS-Gruppe"), FieldType.CHOICE, _group, group, GROUPS)
    last = Label("last answer", "letzte Antwort")
    yield Field("last_answered", last, FieldType.MOMENT, lambda: Standing.nps_at.expression, group)
    yield Field("answered", Label("answered", "geantwortet"), FieldType.EVENT, _answered, group, shows=_answers_in)


def _group() -> ColumnElement[Any]:
    return group_case(Standing.last_nps.expression)


def _answered(happening: Happening) -> ColumnElement[bool]:
    """The latest answer, on `Standing`, decides for most people; few have to be looked up."""
    last = Standing.nps_at.expression
    may = last.is_not(None) if happening.since is None else known(last, last >= happening.since)
    if happening in (Happening(), Happening(1, happening.since)):
        return may
    return and_(may, _mine(happening).limit(1).offset(happening.at_least - 1).exists())


def _answers_in(happening: Happening) -> ColumnElement[int]:
    return _mine(happening).with_only_columns(func.count(), maintain_column_froms=True).scalar_subquery()


def _mine(happening: Happening) -> Select[int]:
    hers = (Event.subscriber_id == Standing.subscriber_id, Event.kind == ANSWERED.code, *_in(happening))
    return select(Event.id).where(*hers).correlate(Standing)


def _in(happening: Happening) -> Sequence[ColumnElement[bool]]:
    wanted = [Event.occurred_at >= happening.since] if happening.since else []
    return [*wanted, Event.occurred_at < happening.until] if happening.until else wanted
