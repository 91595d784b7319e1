"""From "to be sent" to the ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from apiflask import APIFlask
from sqlalchemy import func, select

from app.campaigns.models import Campaign, CampaignSegment, CampaignState, Link
from app.db import database, transaction, utc_now
from app.delivery import launch, reap
from app.delivery.books import books
from app.delivery.models import Delivery, Shard
from app.delivery.shards import in_shard
from app.subscribers.models import Status
from tests import make
from tests.app.delivery.conftest import state_of


def test_a_campaign_that_is_due_gets_a_row_for_each_person_of_its_audience(released: Callable[..., int]) -> None:
    campaign_id = released(people=3)
    with transaction() as session:
        make.subscriber(session, "gone@example.org", status=Status.UNSUBSCRIBED)
        assert launch.due_campaigns(session, utc_now()) == [campaign_id]
        assert launch.launch(session, campaign_id, utc_now())
    with transaction() as session:
        found = books(session, campaign_id)
        assert (found.audience, found.queued, found.balanced) == (3, 3, True)
        assert session.scalars(select(Link.target).where(Link.campaign_id == campaign_id)).all() == [
            "https://shop.example/cheese"
        ]
    assert state_of(campaign_id) is CampaignState.SENDING


def test_before_its_time_nothing_happens(released: Callable[..., int]) -> None:
    campaign_id = released(send_after=utc_now() + timedelta(minutes=1))
    with transaction() as session:
        assert launch.due_campaigns(session, utc_now()) == []
        assert not launch.launch(session, campaign_id, utc_now())
    assert state_of(campaign_id) is CampaignState.HOLDING


def test_one_of_many_simultaneous_launches_wins(app: APIFlask, released: Callable[..., int]) -> None:
    """Q11: one send set, however many start it."""
    campaign_id = released(people=5)
    own = database()

    def attempt(_: int) -> bool:
        with app.app_context(), own.transaction() as session:
            return launch.launch(session, campaign_id, utc_now())

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(16)))
    assert sum(won) == 1
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 5


def test_people_are_spread_over_shards_of_a_thousand(launched: Callable[..., int], monkeypatch) -> None:
    monkeypatch.setattr(launch, "SHARD_SIZE", 2)
    launched(people=5)
    with transaction() as session:
        sizes = session.execute(select(Shard.number, Shard.size).order_by(Shard.number)).all()
        counted = select(Shard.number, func.count()).join(Delivery, in_shard()).group_by(Shard.number)
        assert [tuple(row) for row in sizes] == [(0, 2), (1, 2), (2, 1)]
        assert session.execute(counted.order_by(Shard.number)).all() == sizes


def test_without_an_audience_the_campaign_pauses_and_says_why(released: Callable[..., int]) -> None:
    campaign_id = released(people=0)
    with transaction() as session:
        assert not launch.launch(session, campaign_id, utc_now())
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.state is CampaignState.PAUSED
        assert "Nobody" in (campaign.pause_reason or "")


def test_resumed_after_people_came_it_gets_its_ledger(released: Callable[..., int]) -> None:
    campaign_id = released(people=0)
    with transaction() as session:
        launch.launch(session, campaign_id, utc_now())
    with transaction() as session:
        make.subscriber(session)
        session.get_one(Campaign, campaign_id).state = CampaignState.SENDING
    with transaction() as session:
        assert reap.finish(session, utc_now()) == []
        assert reap.campaigns_without_ledger(session) == [campaign_id]
        assert launch.fill(session, campaign_id, utc_now())
        assert launch.fill(session, campaign_id, utc_now())
        assert books(session, campaign_id).queued == 1


def test_a_segment_that_cannot_be_read_pauses_instead_of_mailing_everybody(released: Callable[..., int]) -> None:
    campaign_id = released(people=2)
    with transaction() as session:
        broken = make.segment(session, {"field": "no_such_field", "op": "is", "value": "x"}, "Broken")
        session.add(CampaignSegment(campaign_id=campaign_id, segment_id=broken.id))
    with transaction() as session:
        assert not launch.launch(session, campaign_id, utc_now())
        assert "Broken" in (session.get_one(Campaign, campaign_id).pause_reason or "")
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
