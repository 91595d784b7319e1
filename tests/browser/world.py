"""A small world for pages to show: one of everything, each with the id 1, and a few more people."""

from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from app.accounts.keys import create_key
from app.audiences.models import LASTS, Membership
from app.campaigns.editions import freeze
from app.campaigns.models import CampaignState
from app.delivery.models import Delivery, DeliveryState, Shard
from app.events.models import Verdict
from app.events.record import happening, record
from app.feature import house
from app.importing.models import Import, ImportReject, ImportState
from app.mailbox.store import Caught, Store
from app.reports.kept import want
from app.reports.kinds import SURVIVAL
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product
from app.subscribers.models import (
    Basis,
    ConsentRecord,
    CustomField,
    FieldKind,
    SignupForm,
    Subscription,
    Tag,
    Topic,
    TrackingMode,
)
from app.surveys.answers import NewAnswer, take_answers
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import NO_LINK, HitCount
from tests import make

NOW = datetime.now(UTC).replace(microsecond=0)


def fill(session: Session) -> None:
    """Write the world."""
    _catch_a_mail()
    sender = make.sender(session)
    house().write_defaults(session, NOW - timedelta(days=60))
    session.flush()
    topic = session.query(Topic).first() or make.topic(session)
    people = [
        make.subscriber(session, f"reader{n}@example.org", first_name=name, language="de", country="DE", birthday=1121)
        for n, name in enumerate(("Anna", "Jörg", "{{ evil }}", "مرحبا", "A" * 200), 1)
    ]
    segment = make.segment(session, {"all": [{"field": "language", "op": "is", "value": "de"}]}, "German readers")
    session.add_all(
        [
            Tag(name="press"),
            CustomField(key="shoe_size", label="Shoe size", kind=FieldKind.NUMBER),
            Product(key="LP-01", name="Kind of Blue Mornings", url="https://shop.example/lp-01", price=1490),
            _import(),
        ]
    )
    if not session.get(SignupForm, 1):
        session.add(_form(sender.id, topic.id))
    session.flush()
    session.add(ImportReject(import_id=1, line=7, reason="There is no @ in this address.", row="nobody;x"))
    for person in people:
        session.add(Subscription(topic_id=topic.id, subscriber_id=person.id, subscribed_at=make.THEN))
        session.add(_proof(person.id, topic.id))
        session.add(Membership(segment_id=segment.id, subscriber_id=person.id, joined_at=make.THEN, left_at=LASTS))
    create_key(session, "Shop", NOW)
    want(session, SURVIVAL, SURVIVAL.asked_of({}), NOW)
    _sent_campaign(session, sender.id, [person.id for person in people])
    make.campaign(session, name="A draft", sender_id=sender.id)
    session.add(Order(key="1", subscriber_id=people[0].id, ordered_at=NOW - timedelta(days=3), amount=4990, quantity=1))
    session.flush()
    record(session, [happening(PURCHASED, people[0].id, NOW - timedelta(days=3), value=4990)])
    said = zip(people, (10, 8, 2), ("Great cheese.", None, "<b>Too late</b> " * 20), strict=False)
    take_answers(session, [NewAnswer(who.id, score, NOW - timedelta(days=2), words) for who, score, words in said])


def _catch_a_mail() -> None:
    raw = b"Subject: =?utf-8?q?K=C3=A4se?=\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi <a href='https://x.example/'>x</a></p>"
    caught = Caught(NOW, "post@kaeserei.example", "reader1@example.org", raw)
    Store(current_app.extensions["letterbond.config"].mailbox).add([caught])


def _sent_campaign(session: Session, sender_id: int, people: list[int]) -> None:
    campaign = make.campaign(session, name="November", sender_id=sender_id)
    freeze(session, campaign, NOW - timedelta(hours=5))
    campaign.state = CampaignState.SENT
    campaign.send_after = campaign.started_at = NOW - timedelta(hours=5)
    campaign.finished_at = NOW - timedelta(hours=4)
    session.add(Shard(campaign_id=campaign.id, number=0, first_id=1, last_id=1, is_done=True))
    states = [
        DeliveryState.SENT,
        DeliveryState.SENT,
        DeliveryState.BOUNCED,
        DeliveryState.SKIPPED,
        DeliveryState.UNKNOWN,
    ]
    session.add_all(
        Delivery(
            campaign_id=campaign.id,
            subscriber_id=person,
            state=state,
            sent_at=NOW - timedelta(hours=5) if state is DeliveryState.SENT else None,
            reason="unsubscribed" if state is DeliveryState.SKIPPED else None,
            reply="550 5.1.1 <b>no such user</b>" if state is DeliveryState.BOUNCED else None,
        )
        for person, state in zip(people, states, strict=True)
    )
    session.flush()
    record(session, list(_hits(campaign.id, people)))
    hour = (NOW - timedelta(hours=3)).replace(minute=0, second=0)
    for kind, position, verdict, hits in (
        (OPENED, NO_LINK, Verdict.HUMAN, 3),
        (OPENED, NO_LINK, Verdict.PREFETCH, 2),
        (CLICKED, 0, Verdict.HUMAN, 1),
        (CLICKED, 0, Verdict.SCANNER, 4),
    ):
        counted = {
            "campaign_id": campaign.id,
            "kind": kind.code,
            "position": position,
            "verdict": verdict,
            "hour": hour,
        }
        session.merge(HitCount(**counted, hits=hits))


def _hits(campaign_id: int, people: list[int]) -> list[dict[str, object]]:
    at = NOW - timedelta(hours=3)
    return [
        happening(OPENED, people[0], at, campaign_id=campaign_id, verdict=Verdict.HUMAN),
        happening(CLICKED, people[0], at, campaign_id=campaign_id, link=0, verdict=Verdict.HUMAN),
        happening(CLICKED, people[1], at, campaign_id=campaign_id, link=0, verdict=Verdict.SCANNER),
    ]


def _import() -> Import:
    return Import(
        kind="subscribers",
        state=ImportState.DONE,
        file_name="readers.csv",
        file="gone.csv",
        size=1000,
        encoding="utf-8",
        delimiter=";",
        header=["email", "name"],
        mapping={"email": "email"},
        options={},
        position=1000,
        line=12,
        new=5,
        unchanged=5,
        rejected=1,
        created_at=NOW,
        finished_at=NOW,
    )


def _form(sender_id: int, topic_id: int) -> SignupForm:
    return SignupForm(
        key="news",
        name="Newsletter",
        sender_id=sender_id,
        language="en",
        title="Our newsletter",
        consent_text="Yes, I want your newsletter.",
        tracking_text="Yes, you may see what I read.",
        inputs=["first_name"],
        topic_ids=[topic_id],
        created_at=make.THEN,
    )


def _proof(subscriber_id: int, topic_id: int) -> ConsentRecord:
    return ConsentRecord(
        subscriber_id=subscriber_id,
        address="reader@example.org",
        basis=Basis.DOUBLE_OPT_IN,
        tracking=TrackingMode.PERSONAL,
        wording={"consent": "Yes"},
        wording_hash="0" * 64,
        topic_ids=[topic_id],
        requested_at=make.THEN,
        confirmed_at=make.THEN,
    )
