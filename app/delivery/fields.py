"""What rules may say about the mails somebody was sent."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState
from app.delivery.models import Delivery, DeliveryState
from app.subscribers.models import Standing
from segments.label import Label
from segments.truth import known
from segments.vocabulary import Beside, Choices, Field, FieldType, Group, Happening

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
        _did("was_sent", Label("was mailed", "angeschrieben"), session, aliases=("sent",)),
        _did(
            "unopened",
            Label("left mail unopened", "Mail ungeöffnet gelassen"),
            session,
            Delivery.opened_at.is_(None),
            Delivery.clicked_at.is_(None),
        ),
        _did(
            "unclicked",
            Label("left mail without a click", "Mail ohne Klick gelassen"),
            session,
            Delivery.clicked_at.is_(None),
        ),
    )


def campaign_choices(session: Session) -> Choices:
    """The campaigns that went out, the latest first."""
    query = select(Campaign.id, Campaign.name).where(Campaign.state.in_(_STARTED)).order_by(Campaign.id.desc())
    return tuple((str(campaign_id), Label(name, name)) for campaign_id, name in session.execute(query))


def mail_of(campaign: int, condition: ColumnElement[bool]) -> Beside:
    """The mail that a campaign sent somebody: those of a campaign lie together and are read at once."""

    def people(holds: ColumnElement[bool]) -> ColumnElement[bool]:
        mails = select(Delivery.subscriber_id).where(Delivery.campaign_id == campaign, holds)
        return Standing.subscriber_id.in_(mails)

    return Beside(f"{Delivery.__tablename__} {campaign}", people, condition)


def _did(name: str, label: Label, session: Session, *kept: ColumnElement[bool], aliases: tuple[str, ...] = ()) -> Field:
    """What became of mails, of which a campaign sends one to each. Often the counts on `Standing` say enough."""

    def mail(happening: Happening | None) -> Beside | None:
        if happening is None or happening.campaign is None or happening.at_least > 1:
            return None
        return mail_of(happening.campaign, and_(*_mails(happening, kept)))

    def sql(happening: Happening) -> ColumnElement[bool]:
        if happening.campaign is not None:
            found = mail(happening)
            return found.people(and_(*_mails(happening, kept))) if found else false()
        enough = [Standing.sent >= happening.at_least]
        if happening.since is not None:
            enough.append(known(Standing.last_sent_at.expression, Standing.last_sent_at >= happening.since))
        if not kept and happening == Happening(happening.at_least):
            return enough[0]
        if not kept and happening == Happening(1, happening.since):
            return enough[1]
        return and_(*enough, Standing.subscriber_id.in_(_people(happening, kept)))

    def counted(happening: Happening) -> ColumnElement[int]:
        mine = (Delivery.subscriber_id == Standing.subscriber_id, *_mails(happening, kept))
        return select(func.count()).select_from(Delivery).where(*mine).correlate(Standing).scalar_subquery()

    campaigns = {"campaign": lambda: campaign_choices(session)}
    return Field(
        name, label, FieldType.EVENT, sql, Group.EMAIL, details=campaigns, aliases=aliases, shows=counted, beside=mail
    )


def _people(happening: Happening, kept: Sequence[ColumnElement[bool]]) -> Select[int]:
    """Who has so many of these mails."""
    # Plus nothing: or SQLite goes through the ledger person by person, and jumps with each mail.
    person = (Delivery.subscriber_id + 0).label("person")
    often = func.count() >= happening.at_least
    return select(person).where(*_mails(happening, kept)).group_by("person").having(often)


def _mails(happening: Happening, kept: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """Which mails are counted."""
    wanted = [Delivery.state == DeliveryState.SENT, *kept]
    if happening.since is not None:
        # Few campaigns went on after that, and the ledger lies in their order.
        late = select(Campaign.id).where(or_(Campaign.finished_at.is_(None), Campaign.finished_at >= happening.since))
        wanted += [Delivery.campaign_id.in_(late), Delivery.sent_at >= happening.since]
    if happening.until is not None:
        wanted.append(Delivery.sent_at < happening.until)
    if happening.campaign is not None:
        wanted.append(Delivery.campaign_id == happening.campaign)
    return wanted
