"""What score rules may ask of opens and clicks: in which campaign, on which topic, which link."""

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState, Link
from app.events.models import Event
from app.feature import ScoreCondition
from app.subscribers.models import Topic
from segments.label import Label
from segments.vocabulary import Choices

# Names of event kinds of `tracking`, which stands above.
_HITS = frozenset({"opened", "clicked"})
_CLICKS = frozenset({"clicked"})
_CHOICES = 500
_LONGEST_TEXT = 200


def _id(text: str) -> str:
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(_("Choose one of the list."))
    return text


def _text(text: str) -> str:
    text = text.strip()
    if not text.isprintable() or not 0 < len(text) <= _LONGEST_TEXT:
        raise ValueError(_("A part of a link is text of up to 200 characters."))
    return text


def _in_campaign(value: str) -> ColumnElement[bool]:
    return func.coalesce(Event.campaign_id, 0) == int(value)


def _on_topic(value: str) -> ColumnElement[bool]:
    on_it = select(Campaign.id).where(Campaign.topic_id == int(value))
    return and_(Event.campaign_id.is_not(None), Event.campaign_id.in_(on_it))


def _leads_to(value: str) -> ColumnElement[bool]:
    same = and_(Link.campaign_id == Event.campaign_id, Link.position == Event.link)
    return exists().where(same, func.lower(Link.target).contains(value.lower(), autoescape=True))


def _campaigns(session: Session) -> Choices:
    unsent = (CampaignState.DRAFT, CampaignState.CANCELLED)
    wanted = select(Campaign.id, Campaign.name).where(Campaign.state.not_in(unsent))
    return _named(session.execute(wanted.order_by(Campaign.id.desc()).limit(_CHOICES)))


def _topics(session: Session) -> Choices:
    return _named(session.execute(select(Topic.id, Topic.name).order_by(Topic.name, Topic.id)))


def _named(rows: Iterable[tuple[int, str]]) -> Choices:
    return tuple((str(key), Label(name, name)) for key, name in rows)


CONDITIONS = (
    ScoreCondition("campaign", Label("campaign", "Kampagne"), _HITS, _in_campaign, _id, _campaigns),
    ScoreCondition("topic", Label("topic of the campaign", "Thema der Kampagne"), _HITS, _on_topic, _id, _topics),
    ScoreCondition("link", Label("link contains", "Link enthält"), _CLICKS, _leads_to, _text),
)
