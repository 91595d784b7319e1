"""What rules may say about opens and clicks: always those of readers, never of machines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from app.campaigns.models import Link
from app.delivery.fields import campaign_choices, mail_of
from app.delivery.models import Delivery
from app.events.models import Event, Verdict
from app.feature import EventKind
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED
from segments.label import Label
from segments.text import matches
from segments.truth import known
from segments.vocabulary import Beside, Field, FieldType, Group, Happening

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
    hits = _Hits(kind, session.get_bind().dialect.name == "postgresql")
    details = {"campaign": lambda: campaign_choices(session)} | ({"link": ()} if kind is CLICKED else {})
    return Field(
        name, label, FieldType.EVENT, hits.of, Group.EMAIL, details=details, shows=hits.counted, beside=hits.mail
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Who opened or clicked, and how often. Counts on `Standing` and the ledger answer most questions, and leave few
    people to look up for the others; PostgreSQL reads all events at once sooner than those of many people."""

    kind: EventKind
    is_at_once: bool

    def of(self, happening: Happening) -> ColumnElement[bool]:
        """Who did it so often."""
        if found := self.mail(happening):
            return found.people(self._first)
        if happening.link is not None:
            return Standing.subscriber_id.in_(_people(self.kind, happening, self._first))
        number, last = _counts(self.kind)
        enough = [number >= happening.at_least]
        if happening.since is not None:
            enough.append(known(last, last >= happening.since))
        if happening == Happening(happening.at_least):
            return enough[0]
        if happening == Happening(1, happening.since):
            return enough[1]
        return and_(*enough, self._often(happening))

    def mail(self, happening: Happening | None) -> Beside | None:
        """The one mail that answers."""
        campaign = happening.campaign if happening else None
        if campaign is None or happening != Happening(1, campaign=campaign):
            return None
        return mail_of(campaign, self._first)

    def counted(self, happening: Happening) -> ColumnElement[int]:
        """How often somebody did it."""
        mine = self._mine(happening).with_only_columns(func.count(), maintain_column_froms=True)
        return mine.scalar_subquery()

    @property
    def _first(self) -> ColumnElement[bool]:
        return (Delivery.opened_at if self.kind is OPENED else Delivery.clicked_at).is_not(None)

    def _mine(self, happening: Happening) -> Select[int]:
        hers = (Event.subscriber_id == Standing.subscriber_id, *_conditions(self.kind, happening))
        return select(Event.id).where(*hers).correlate(Standing)

    def _often(self, happening: Happening) -> ColumnElement[bool]:
        if not self.is_at_once or happening.at_least == 1:
            return self._mine(happening).limit(1).offset(happening.at_least - 1).exists()
        people = select(Event.subscriber_id).where(*_conditions(self.kind, happening)).group_by(Event.subscriber_id)
        return Standing.subscriber_id.in_(people.having(func.count() >= happening.at_least))


def _people(kind: EventKind, happening: Happening, first: ColumnElement[bool]) -> Select[int]:
    """By way of the ledger, which lies in the order of campaigns and knows who did it at all."""
    mail = and_(Delivery.campaign_id == Event.campaign_id, Delivery.subscriber_id == Event.subscriber_id)
    leading = select(Link.campaign_id).where(_leads_to(happening.link or ""))
    people = select(Delivery.subscriber_id).join(Event, mail).where(Delivery.campaign_id.in_(leading))
    people = people.where(first, *_conditions(kind, happening))
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
