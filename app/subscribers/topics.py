"""Topics and tags: what one can subscribe to, and the words that marketers stick to people.

In charge of: their rows and who has which. Not of: whether a person may be mailed at all (`lifecycle`).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, NotFound
from app.subscribers.models import SubscriberTag, Subscription, Tag, Topic
from app.subscribers.people import insert_into
from app.subscribers.values import clean, parse_text

KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def topic(session: Session, topic_id: int) -> Topic:
    """The topic, or NotFound."""
    found = session.get(Topic, topic_id)
    if found is None:
        raise NotFound(_("There is no such topic."))
    return found


def topics(session: Session, *, only_public: bool = False) -> Sequence[Topic]:
    """All topics by name; only those that people may join themselves, if so wanted (TRUST S13)."""
    statement = select(Topic).order_by(Topic.name, Topic.id)
    return session.scalars(statement.where(Topic.is_public) if only_public else statement).all()


def save_topic(
    session: Session, row: Topic | None, *, key: str, name: str, description: str = "", is_public: bool = True
) -> Topic:
    """Make a topic or change one; its key is part of List-Id and so stays (RFC 2919 §2)."""
    row = row or Topic(key=_free_key(session, key))
    row.name, row.is_public = parse_text(name, 200) or row.key, is_public
    row.description = description.strip()
    session.add(row)
    session.flush()
    return row


def subscribe(session: Session, subscriber_id: int, topic_ids: Iterable[int], now: datetime) -> None:
    """Begin, or begin again, these subscriptions; one that lasts already is left as it is."""
    rows = [{"topic_id": each, "subscriber_id": subscriber_id, "subscribed_at": now} for each in sorted(set(topic_ids))]
    if not rows:
        return
    statement = insert_into(session, Subscription)
    values = {"subscribed_at": statement.excluded.subscribed_at, "ended_at": None}
    again = statement.on_conflict_do_update(
        index_elements=["topic_id", "subscriber_id"], set_=values, where=Subscription.ended_at.is_not(None)
    )
    session.execute(again, rows)


def set_topics(
    session: Session, subscriber_id: int, topic_ids: Iterable[int], now: datetime, *, among: Iterable[int]
) -> None:
    """Of the topics in `among`, exactly these; subscriptions to others are none of the caller's business."""
    wanted, known = set(topic_ids), set(among)
    mine = (Subscription.subscriber_id == subscriber_id) & Subscription.ended_at.is_(None)
    unwanted = update(Subscription).where(mine, Subscription.topic_id.in_(known - wanted))
    session.execute(unwanted.values(ended_at=now))
    subscribe(session, subscriber_id, wanted & known, now)


def topic_ids_of(session: Session, subscriber_id: int) -> set[int]:
    """What this person subscribes to now."""
    lasting = (Subscription.subscriber_id == subscriber_id) & Subscription.ended_at.is_(None)
    return set(session.scalars(select(Subscription.topic_id).where(lasting)))


def tag_ids(session: Session, names: Iterable[str]) -> list[int]:
    """The ids of these tags; those that did not exist are made."""
    wanted = sorted({name for each in names if (name := parse_text(each, 100))})
    if not wanted:
        return []
    session.execute(insert_into(session, Tag).on_conflict_do_nothing(), [{"name": name} for name in wanted])
    return list(session.scalars(select(Tag.id).where(Tag.name.in_(wanted))))


def set_tags(session: Session, subscriber_id: int, names: Iterable[str]) -> None:
    """Exactly these tags."""
    wanted = tag_ids(session, names)
    mine = SubscriberTag.subscriber_id == subscriber_id
    session.execute(delete(SubscriberTag).where(mine, SubscriberTag.tag_id.not_in(wanted)))
    rows = [{"tag_id": each, "subscriber_id": subscriber_id} for each in wanted]
    if rows:
        session.execute(insert_into(session, SubscriberTag).on_conflict_do_nothing(), rows)


def tags_of(session: Session, subscriber_id: int) -> list[str]:
    """The tags of one person, by name."""
    statement = select(Tag.name).join(SubscriberTag).where(SubscriberTag.subscriber_id == subscriber_id)
    return list(session.scalars(statement.order_by(Tag.name)))


def tags_with_counts(session: Session) -> list[tuple[Tag, int]]:
    """All tags and how many people wear each."""
    count = select(func.count()).where(SubscriberTag.tag_id == Tag.id).scalar_subquery()
    return [(tag, worn) for tag, worn in session.execute(select(Tag, count).order_by(Tag.name))]


def delete_tag(session: Session, tag_id: int) -> None:
    """Take a tag off everybody and away."""
    session.execute(delete(SubscriberTag).where(SubscriberTag.tag_id == tag_id))
    session.execute(delete(Tag).where(Tag.id == tag_id))


def _free_key(session: Session, key: str) -> str:
    key = clean(key).lower()
    if not KEY.fullmatch(key):
        wanted = _("Small letters, digits, - and _, beginning with a letter.")
        raise Invalid(wanted, {"key": wanted})
    if session.scalar(select(Topic.id).where(Topic.key == key)):
        raise Conflict(_("There is a topic with this key already."))
    return key
