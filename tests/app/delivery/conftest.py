"""A campaign on its way, a mail server that takes it, and a worker to carry it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState
from app.db import transaction, utc_now
from app.delivery import jobs, launch
from app.delivery.models import Delivery, Shard
from app.subscribers.models import Subscriber
from tests import make
from tests.sink import Sink
from workers.smtp import SmtpTransport


@pytest.fixture
def sink(app: APIFlask) -> Iterator[Sink]:
    """Takes what this process sends."""
    with Sink() as sink:
        app.extensions["letterbond.transport"] = lambda: SmtpTransport(sink.relay, "test.example")
        yield sink


@pytest.fixture
def released(app: APIFlask) -> Callable[..., int]:
    """A campaign whose time has come, to so many new people."""

    def release(people: int = 3, **values: object) -> int:
        with transaction() as session:
            for _ in range(people):
                make.subscriber(session)
            given = {"state": CampaignState.HOLDING, "send_after": utc_now() - timedelta(seconds=1)}
            return make.campaign(session, **{**given, **values}).id

    return release


@pytest.fixture
def launched(released: Callable[..., int]) -> Callable[..., int]:
    """A campaign whose ledger is written."""

    def begin(people: int = 3, **values: object) -> int:
        campaign_id = released(people, **values)
        with transaction() as session:
            assert launch.launch(session, campaign_id, utc_now())
        return campaign_id

    return begin


def states(campaign_id: int) -> dict[str, str]:
    """The state of each delivery by address."""
    with transaction() as session:
        query = select(Subscriber.email, Delivery.state).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        return dict(session.execute(query.where(Delivery.campaign_id == campaign_id)).all())


def state_of(campaign_id: int) -> CampaignState:
    with transaction() as session:
        return session.get_one(Campaign, campaign_id).state


def due_again(campaign_id: int) -> None:
    """Let the time pass after which deferred mails are tried again."""
    with transaction() as session:
        long_ago = utc_now() - timedelta(seconds=1)
        late = update(Delivery).where(Delivery.campaign_id == campaign_id, Delivery.next_try_at.is_not(None))
        session.execute(late.values(next_try_at=long_ago))
        session.execute(update(Shard).where(Shard.due_at.is_not(None)).values(due_at=long_ago))


def drain(campaign_id: int) -> None:
    jobs.drain(campaign_id)
