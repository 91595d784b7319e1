"""What rules may say about opens and clicks: always those of readers, never of machines."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.delivery.fields import campaign_choices
from app.events.models import Event, Verdict
from app.feature import EventKind
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED
from segments.label import Label
from segments.vocabulary import Field, FieldType, Group, Happening

_READERS = [verdict for verdict in Verdict if verdict.is_reader]


def fields(session: Session) -> Iterable[Field]:
    """The words of this feature."""
    return (
        _email("last_opened", Label("last open", "letzte Öffnung"), FieldType.MOMENT, Standing.last_opened_at),
        _email("last_clicked", Label("last click", "letzter Klick"), FieldType.MOMENT, Standing.last_clicked_at),
        _email("opens", Label("number of opens", "Anzahl der Öffnungen"), FieldType.NUMBER, Standing.opens),
        _email("clicks", Label("number of clicks", "Anzahl der Klicks"), FieldType.NUMBER, Standing.clicks),
        _did("opened", Label("opened", "geöffnet"), OPENED, session),
        _did("clicked", Label("clicked", "geklickt"), CLICKED, session),
    )


def _email(name: str, label: Label, kind: FieldType, column: Any) -> Field:
    return Field(name, label, kind, lambda: column, Group.EMAIL)


def _did(name: str, label: Label, kind: EventKind, session: Session) -> Field:
    def sql(happening: Happening) -> ColumnElement[bool]:
        found = select(Event.id).where(*_conditions(kind, happening)).correlate(Standing)
        if happening.at_least == 1:
            return found.exists()
        counted = found.with_only_columns(func.count(), maintain_column_froms=True)
        return counted.scalar_subquery() >= happening.at_least

    return Field(name, label, FieldType.EVENT, sql, Group.EMAIL, choices=lambda: campaign_choices(session))


def _conditions(kind: EventKind, happening: Happening) -> Sequence[ColumnElement[bool]]:
    """In the order of the index: person, kind, time."""
    wanted = [
        Event.subscriber_id == Standing.subscriber_id,
        Event.kind == kind.code,
        Event.verdict.in_(_READERS),
    ]
    if happening.since is not None:
        wanted.append(Event.occurred_at >= happening.since)
    if happening.until is not None:
        wanted.append(Event.occurred_at < happening.until)
    if happening.campaign is not None:
        wanted.append(Event.campaign_id == happening.campaign)
    return wanted
