"""Art. 15 and 17 GDPR, against every table there is."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIFlask
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.audiences.models import Segment
from app.campaigns.models import Campaign
from app.db import Base, transaction
from app.delivery.models import Delivery, DeliveryState
from app.events.record import happening, record
from app.importing.models import Import, ImportChange, ImportReject
from app.outbox.post import post
from app.scoring.defaults import defaults as scoring_defaults
from app.shop.models import Order
from app.subscribers.erasing import erase
from app.subscribers.exporting import export_person
from app.subscribers.kinds import UNSUBSCRIBED
from app.subscribers.models import Standing, Status, Subscriber, Suppression, SuppressionReason
from app.subscribers.purging import tables_about_people
from app.subscribers.topics import set_tags, subscribe
from tests import make
from tests.app.subscribers.people import confirmed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CANARY = "canary"
ADDRESS = f"{CANARY}@example.org"


def _lead_a_life(session: Session) -> Subscriber:
    """A person with a row in every table that has subscribers, her canary wherever text may stand."""
    anna = session.get_one(
        Subscriber, confirmed(session, NOW, ADDRESS, page_url=f"https://x.example/{CANARY}").subscriber_id
    )
    anna.first_name, anna.last_name, anna.source, anna.time_zone = CANARY, CANARY, CANARY, "Europe/Berlin"
    anna.attributes = {"nickname": CANARY}
    anna.standing.birthday, anna.standing.birth_year, anna.standing.country = 517, 1990, "DE"
    news, campaign = make.topic(session), make.campaign(session)
    subscribe(session, anna.id, [news.id], NOW)
    set_tags(session, anna.id, ["vip"])
    record(session, [happening(UNSUBSCRIBED, anna.id, NOW, campaign_id=campaign.id, data={"why": CANARY})])
    session.add(
        Delivery(
            campaign_id=campaign.id,
            subscriber_id=anna.id,
            state=DeliveryState.SENT,
            sent_at=NOW,
            reply=f"250 {ADDRESS} ok",
        )
    )
    session.add(Order(key="1", subscriber_id=anna.id, ordered_at=NOW, amount=1990))
    post(session, make.sender(session), ADDRESS.upper(), "test", CANARY, CANARY, CANARY, (), NOW)
    _import(session, anna)
    session.flush()
    return anna


def _import(session: Session, anna: Subscriber) -> None:
    given: dict[str, Any] = {
        "header": [],
        "mapping": {},
        "options": {},
        "size": 1,
        "encoding": "utf-8",
        "delimiter": ",",
    }
    row = Import(kind="subscribers", file_name="people.csv", file="people", created_at=NOW, **given)
    session.add(row)
    session.flush()
    session.add(ImportReject(import_id=row.id, line=2, reason=f"{ADDRESS} is twice", row=f"Canary,{ADDRESS.upper()}"))
    session.add(ImportChange(import_id=row.id, row_id=anna.id, before={"first_name": CANARY}))


def _rows_with(session: Session, text: str) -> list[str]:
    return [
        table.name
        for table in Base.metadata.sorted_tables
        for row in session.execute(select(table))
        if text in repr(tuple(row)).lower()
    ]


def test_after_erasure_no_table_knows_who_it_was(app: APIFlask) -> None:
    """TRUST L12: the search covers every table of the schema, also those made after this test."""
    with transaction() as session:
        anna = _lead_a_life(session)
        found = set(_rows_with(session, CANARY))
        assert found >= {
            "subscriber",
            "consent_record",
            "event",
            "delivery",
            "letter",
            "import_reject",
            "import_change",
        }
        hashed = anna.address_hash
        assert erase(session, anna.id, NOW)
    with transaction() as session:
        assert _rows_with(session, CANARY) == []
        standing = session.get_one(Standing, anna.id)
        assert standing.status is Status.ERASED
        assert (standing.birthday, standing.birth_year, standing.country) == (None, None, None)
        assert session.get_one(Suppression, hashed).reason is SuppressionReason.ERASED
        assert session.scalar(select(Subscriber.address_hash).where(Subscriber.id == anna.id)) == ""
        assert not erase(session, anna.id, NOW)


def test_erasure_leaves_all_totals_as_they_were(app: APIFlask) -> None:
    """TRUST L12."""
    counted = ("event", "delivery", "order", "subscriber", "standing", "campaign")

    def totals(session: Session) -> dict[str, Any]:
        counts = {
            name: session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) for name in counted
        }
        spent = session.scalar(select(func.sum(Order.amount)))
        sent = session.scalar(select(func.count()).where(Delivery.state == DeliveryState.SENT))
        return {**counts, "spent": spent, "sent": sent}

    with transaction() as session:
        anna = _lead_a_life(session)
        before = totals(session)
        erase(session, anna.id, NOW)
        session.expire_all()
        assert totals(session) == before
        assert session.scalar(select(Campaign.name)) == "November"


def test_an_erased_person_can_come_back_as_somebody_new(app: APIFlask) -> None:
    with transaction() as session:
        anna = _lead_a_life(session)
        erase(session, anna.id, NOW)
        again = confirmed(session, NOW, ADDRESS)
        assert again.subscriber_id != anna.id
        assert again.status is Status.ACTIVE


def test_an_export_has_a_row_of_every_table_that_knows_people(app: APIFlask) -> None:
    """TRUST L11: a new table with a subscriber's key is in it from its first day."""
    with transaction() as session:
        anna = _lead_a_life(session)
        scoring_defaults(session, NOW)
        for table, column in tables_about_people():
            if not session.scalar(select(func.count()).select_from(table).where(table.c[column] == anna.id)):
                _fill(session, table, column, anna.id)
        export = export_person(session, anna, NOW)
    assert all(export["tables"][table.name] for table, _ in tables_about_people())
    assert export["tables"]["subscriber"][0]["email"] == ADDRESS
    assert export["tables"]["letter"][0]["recipient"] == ADDRESS
    assert {event["kind"] for event in export["tables"]["event"]} == {"subscribed", "confirmed", "unsubscribed"}
    assert export["consent"][0]["address_as_typed"] == ADDRESS


def _fill(session: Session, table: Any, column: str, subscriber_id: int) -> None:
    """A row with something in every column that wants it."""
    session.execute(insert(table).values(_filled(session, table, {column: subscriber_id})))


def _filled(session: Session, table: Any, values: dict[str, Any]) -> dict[str, Any]:
    for each in table.columns:
        if each.name not in values and not each.nullable and each.default is None and each.name != "id":
            if each.foreign_keys:
                values[each.name] = _some(session, next(iter(each.foreign_keys)).column)
            else:
                values[each.name] = NOW if "_at" in each.name else 1
    return values


def _some(session: Session, column: Any) -> int:
    """A row of the table that a key points to; made where there is none."""
    found: int | None = session.scalar(select(column).limit(1))
    if found is None and column.table is Segment.__table__:
        return make.segment(session, {"all": []}).id
    if found is None:
        made = insert(column.table).values(_filled(session, column.table, {})).returning(column)
        return int(session.scalars(made).one())
    return found
