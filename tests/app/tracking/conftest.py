"""A mail that was sent an hour ago, and the addresses in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.campaigns.models import CampaignState, Link
from app.campaigns.urls import person_urls
from app.db import database, transaction, utc_now
from app.delivery.models import Delivery, DeliveryState
from app.events.ingest import ingest
from app.events.models import Event
from app.subscribers.models import TrackingMode
from app.tracking.take import see, take_hits
from app.tracking.verdict import BURST, Rules
from tests import make

BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"  # noqa: E501
TARGETS = ("https://shop.example/cheese", "https://shop.example/milk", "https://shop.example/butter")


@dataclass
class Mail:
    """One person's mail, and a client that reads it."""

    client: FlaskClient
    app: APIFlask
    campaign_id: int
    subscriber_id: int
    mode: TrackingMode

    @property
    def _urls(self):
        tokens = self.app.extensions["letterbond.tokens"]
        return person_urls(tokens, "", self.campaign_id, self.subscriber_id, self.mode, TARGETS)

    @property
    def pixel(self) -> str:
        return self._urls.pixel

    def link(self, index: int) -> str:
        return self._urls.link(index)

    def dynamic(self, url: str) -> str:
        return f"{self._urls.prefix}{self._urls.target(url)}"

    def get(
        self, path: str, agent: str = BROWSER, ip: str = "203.0.113.7", method: str = "GET", **headers: str
    ) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            headers={"User-Agent": agent, **headers},
            environ_base={"REMOTE_ADDR": ip},
        )


def make_mail(app: APIFlask, mode: TrackingMode, sent_at: datetime | None = None) -> Mail:
    with transaction() as session:
        sent_at = sent_at or utc_now() - timedelta(hours=1)
        person = make.subscriber(session, tracking=mode, sent=1, last_sent_at=sent_at)
        campaign = make.campaign(session, state=CampaignState.SENT)
        session.add_all(
            Link(campaign_id=campaign.id, position=position, target=target) for position, target in enumerate(TARGETS)
        )
        session.add(
            Delivery(
                campaign_id=campaign.id,
                subscriber_id=person.id,
                state=DeliveryState.SENT,
                sent_at=sent_at,
            )
        )
    return Mail(app.test_client(), app, campaign.id, person.id, mode)


@pytest.fixture
def mail(app: APIFlask) -> Mail:
    """The mail of a person who agreed to personal tracking."""
    return make_mail(app, TrackingMode.PERSONAL)


def take_all(app: APIFlask, rules: Rules | None = None) -> int:
    """Ingest what waits, settled or not."""
    rules = rules or Rules()
    spool = app.extensions["letterbond.config"].spool
    later = utc_now() + timedelta(hours=1)
    return ingest(database(), spool, see, lambda *given: take_hits(*given, rules=rules), later, BURST)


def events() -> list[Event]:
    with transaction() as session:
        return list(session.scalars(select(Event).order_by(Event.id)))
