"""What rules may say about opens and clicks: always those of readers, never of machines."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from app.campaigns.models import Link
from app.delivery.fields import campaign_choices
from app.delivery.models import Delivery
from app.events.models import Event, Verdict
from app.feature import EventKind
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED
from segments.label import Label
from segments.text import matches
from segments.truth import known
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
    """The counts on `Standing` and the ledger answer most questions, and leave few people to look up for the others;
    those are looked up one by one, but a campaign's mails lie together and are read at once."""
    number, last = _counts(kind)
    first = Delivery.opened_at if kind is OPENED else Delivery.clicked_at

    def mine(happening: Happening) -> Select[int]:
        hers = (Event.subscriber_id == Standing.subscriber_id, *_conditions(kind, happening))
        return select(Event.id).where(*hers).correlate(Standing)

    def counted(happening: Happening) -> ColumnElement[int]:
        return mine(happening).with_only_columns(func.count(), maintain_column_froms=True).scalar_subquery()

    def sql(happening: Happening) -> ColumnElement[bool]:
        if happening.campaign is not None and happening == Happening(1, campaign=happening.campaign):
            did = select(Delivery.subscriber_id).where(Delivery.campaign_id == happening.campaign, first.is_not(None))
            return Standing.subscriber_id.in_(did)
        if happening.link is not None:
            return Standing.subscriber_id.in_(_people(kind, happening, first))
        enough = [number >= happening.at_least]
        if happening.since is not None:
            enough.append(known(last, last >= happening.since))
        if happening == Happening(happening.at_least):
            return enough[0]
        if happening == Happening(1, happening.since):
            return enough[1]
        if happening.at_least == 1:
            return and_(*enough, mine(happening).exists())
        return and_(*enough, counted(happening) >= happening.at_least)

    details = {"campaign": lambda: campaign_choices(session)} | ({"link": ()} if kind is CLICKED else {})
    return Field(name, label, FieldType.EVENT, sql, Group.EMAIL, details=details, shows=counted)


def _people(kind: EventKind, happening: Happening, first: Any) -> Select[int]:
    """By way of the ledger, which lies in the order of campaigns and knows who did it at all."""
    mail = and_(Delivery.campaign_id == Event.campaign_id, Delivery.subscriber_id == Event.subscriber_id)
    leading = select(Link.campaign_id).where(_leads_to(happening.link or ""))
    people = select(Delivery.subscriber_id).join(Event, mail).where(Delivery.campaign_id.in_(leading))
    people = people.where(first.is_not(None), *_conditions(kind, happening))
    if happening.at_least == 1:
        return people
    return people.group_by(Delivery.subscriber_id).having(func.count() >= happening.at_least)


def _counts(kind: EventKind) -> tuple[ColumnElement[int], ColumnElement[Any]]:
    if kind is OPENED:
        return Standing.opens.expression, Standing.last_opened_at.expression
    return Standing.clicks.expression, Standing.last_clicked_at.expression


def _conditions(kind: EventKind, happening: Happening) -> Sequence[ColumnElement[bool]]:
    """In the order of the index, which begins with the person: kind, time."""
    wanted = [Event.kind == kind.code, Event.verdict.in_(_READERS)]
    if happening.since is not None:
        wanted.append(Event.occurred_at >= happening.since)
    if happening.until is not None:
        wanted.append(Event.occurred_at < happening.until)
    if happening.campaign is not None:
        wanted.append(Event.campaign_id == happening.campaign)
    if happening.link is not None:
        leading = select(Link.campaign_id, Link.position).where(_leads_to(happening.link))
        wanted.append(tuple_(Event.campaign_id, Event.link).in_(leading))
    return wanted


def _leads_to(text: str) -> ColumnElement[bool]:
    """The target of a link holds this text."""
    return matches(Link.target.expression, text, open_start=True, open_end=True)
