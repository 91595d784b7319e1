"""The made-up world is one that the product could have made: all that is derived agrees with what it stands on."""

from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from sqlalchemy import Select, delete, func, select, true
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.audiences.models import LASTS, Membership, Segment
from app.db import database, reading, transaction
from app.delivery.books import books
from app.delivery.models import Delivery, DeliveryState
from app.events.models import Event, Verdict
from app.scoring.explain import explain_score
from app.shop.models import Order
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import HitCount
from bench.make_world import make_world
from bench.world.duck import Size

SIZE = Size(people=300, campaigns=3, seed=7, end=datetime(2026, 11, 26, tzinfo=UTC))


@pytest.fixture
def world(app: APIFlask) -> APIFlask:
    with transaction() as session:
        session.execute(delete(Organisation))
    make_world(database(), app.extensions["letterbond.tokens"], SIZE)
    return app


def test_all_that_is_derived_agrees_with_events_and_ledger(world: APIFlask) -> None:
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Standing)) == SIZE.people
        _agrees(session, Standing.opens, _events(OPENED.code, func.count()))
        _agrees(session, Standing.last_opened_at, _events(OPENED.code, func.max(Event.occurred_at)))
        _agrees(session, Standing.clicks, _events(CLICKED.code, func.count()))
        _agrees(session, Standing.spent, select(func.sum(Order.amount)).where(Order.subscriber_id == _person()))
        mine = (Delivery.subscriber_id == _person(), Delivery.state == DeliveryState.SENT)
        _agrees(session, Standing.sent, select(func.count()).where(*mine))
        _agrees(session, Standing.last_sent_at, select(func.max(Delivery.sent_at)).where(*mine))
        hits = session.scalar(select(func.sum(HitCount.hits)))
        assert hits == session.scalar(select(func.count()).where(Event.kind.in_((OPENED.code, CLICKED.code))))
        assert all(books(session, campaign).balanced for campaign in (1, 2, 3))


def test_scores_tiers_and_segments_are_the_product_s_own(world: APIFlask) -> None:
    with reading() as session:
        keenest = session.scalars(select(Standing.subscriber_id).order_by(Standing.score.desc()).limit(5)).all()
        for person in keenest:
            explained = explain_score(session, person, datetime.now(UTC))
            assert explained
            assert explained.agrees
            assert explained.tier
        sizes = select(func.count()).where(Membership.segment_id == Segment.id, Membership.left_at == LASTS)
        wrong = select(Segment.name).where(Segment.size != sizes.scalar_subquery())
        assert session.scalars(wrong).all() == []
        assert session.scalar(select(func.count()).where(Membership.left_at <= Membership.joined_at)) == 0


def _person() -> object:
    return Standing.subscriber_id


def _events(kind: int, value: object) -> "Select[int]":
    readers = [verdict for verdict in Verdict if verdict.is_reader]
    return select(value).where(Event.subscriber_id == _person(), Event.kind == kind, Event.verdict.in_(readers))


def _agrees(session: Session, column: object, counted: "Select[int]") -> None:
    own = counted.correlate(Standing).scalar_subquery()
    both = session.execute(select(column, own).where(true())).all()
    assert [row for row in both if (row[0] or None) != (row[1] or None)] == []
    assert any(row[0] for row in both)
