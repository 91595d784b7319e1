"""What rules may say about the mails somebody was sent."""

from collections.abc import Callable, Iterable

from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Standing
from segments.label import Label
from segments.vocabulary import Choices, Field, FieldType, Group, Happening

_STARTED = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.SENT, CampaignState.CANCELLED)


def fields(session: Session) -> Iterable[Field]:
    """The words of this feature."""
    return (
        Field(
            "last_sent",
            Label("last mail", "letzte Mail"),
            FieldType.MOMENT,
            lambda: Standing.last_sent_at,
            Group.EMAIL,
        ),
        Field(
            "sent",
            Label("number of mails", "Anzahl der Mails"),
            FieldType.NUMBER,
            lambda: Standing.sent,
            Group.EMAIL,
        ),
        _did("was_sent", Label("was mailed", "angeschrieben"), session, _of_sent()),
        _did(
            "unopened",
            Label("left mail unopened", "Mail ungeöffnet gelassen"),
            session,
            _of_sent(Delivery.opened_at.is_(None), Delivery.clicked_at.is_(None)),
        ),
        _did(
            "unclicked",
            Label("left mail without a click", "Mail ohne Klick gelassen"),
            session,
            _of_sent(Delivery.clicked_at.is_(None)),
        ),
    )


def campaign_choices(session: Session) -> Choices:
    """The campaigns that went out, the latest first."""
    query = select(Campaign.id, Campaign.name).where(Campaign.state.in_(_STARTED)).order_by(Campaign.id.desc())
    return tuple((str(campaign_id), Label(name, name)) for campaign_id, name in session.execute(query))


def _did(name: str, label: Label, session: Session, counted: Callable[[Happening], ColumnElement[int]]) -> Field:
    """What became of mails. The counts on `Standing` leave few to look up in the ledger, or none."""

    def sql(happening: Happening) -> ColumnElement[bool]:
        enough = [Standing.sent >= happening.at_least]
        if happening.since is not None:
            enough.append(func.coalesce(Standing.last_sent_at >= happening.since, false()))
        if name == "was_sent" and happening.until is None and happening.campaign is None:
            if happening.since is None:
                return enough[0]
            if happening.at_least == 1:
                return enough[1]
        return and_(*enough, counted(happening) >= happening.at_least)

    campaigns = {"campaign": lambda: campaign_choices(session)}
    return Field(name, label, FieldType.EVENT, sql, Group.EMAIL, details=campaigns, shows=counted)


def _of_sent(*more: ColumnElement[bool]) -> Callable[[Happening], ColumnElement[int]]:
    """How many mails of that kind a person was sent."""

    def counted(happening: Happening) -> ColumnElement[int]:
        wanted = [Delivery.subscriber_id == Standing.subscriber_id, Delivery.state == DeliveryState.SENT, *more]
        if happening.since is not None:
            wanted.append(Delivery.sent_at >= happening.since)
        if happening.until is not None:
            wanted.append(Delivery.sent_at < happening.until)
        if happening.campaign is not None:
            wanted.append(Delivery.campaign_id == happening.campaign)
        return select(func.count()).where(*wanted).correlate(Standing).scalar_subquery()

    return counted
