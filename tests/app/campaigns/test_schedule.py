"""From draft to released and back: every step once, whoever clicks first."""

from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.campaigns import drafts, schedule
from app.campaigns.editions import edition_of
from app.campaigns.models import Campaign, CampaignState, Link, StoredEdition
from app.db import reading, transaction
from app.errors import Conflict, Invalid
from tests import make


@pytest.fixture
def campaign(app: APIFlask) -> Campaign:
    with transaction() as session:
        make.subscriber(session)
        return make.campaign(session)


def _state(campaign: Campaign) -> CampaignState:
    with reading() as session:
        return session.get_one(Campaign, campaign.id).state


def test_send_now_waits_for_the_undo_window(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        assert schedule.send_now(session, campaign.id, now) == now + timedelta(seconds=60)
    assert _state(campaign) is CampaignState.HOLDING


def test_the_released_edition_is_frozen_with_its_links(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        schedule.send_now(session, campaign.id, now)
        assert session.scalars(select(Link.target)).all() == ["https://shop.example/cheese"]
        assert edition_of(session, campaign.id).links == ("https://shop.example/cheese",)


def test_undo_brings_the_draft_back_and_release_makes_a_new_edition(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        schedule.send_now(session, campaign.id, now)
        assert schedule.undo(session, campaign.id, now)
        drafts.save(session, campaign.id, 0, now, subject="Better news this time")
        schedule.send_now(session, campaign.id, now)
        assert edition_of(session, campaign.id).subject == "Better news this time"
        assert len(session.scalars(select(StoredEdition)).all()) == 2


def test_a_released_campaign_cannot_be_released_or_changed(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        schedule.send_now(session, campaign.id, now)
    with transaction() as session, pytest.raises(Conflict):
        schedule.send_now(session, campaign.id, now)
    with transaction() as session, pytest.raises(Conflict):
        drafts.save(session, campaign.id, 0, now, subject="x")


def test_a_time_in_the_past_is_refused(campaign: Campaign, now: datetime) -> None:
    with transaction() as session, pytest.raises(Invalid):
        schedule.schedule(session, campaign.id, now, now)
    assert _state(campaign) is CampaignState.DRAFT


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"html": "<p>{{ sender.imprint }}</p>"}, "no-unsubscribe"),
        ({"html": "<p><a href='{{ unsubscribe_url }}'>x</a></p>"}, "no-imprint"),
        ({"subject": ""}, "no-subject"),
        ({"html": make.HTML.replace("Hello", "{% if x %}Hello")}, "template"),
        ({"html": make.HTML.replace("Hello", "Hello {{ frist_name }}")}, "unknown-tag"),
        ({"html": make.HTML.replace("Hello", "Hello {{ 1 / (score - score) }}")}, "render"),
    ],
)
def test_what_blocks_keeps_the_campaign_a_draft(
    campaign: Campaign, now: datetime, change: dict[str, str], code: str
) -> None:
    with transaction() as session:
        drafts.save(session, campaign.id, 0, now, **change)
    with transaction() as session, pytest.raises(Invalid) as refused:
        schedule.send_now(session, campaign.id, now)
    assert code in refused.value.places
    assert _state(campaign) is CampaignState.DRAFT


def test_a_campaign_without_readers_is_not_sent(app: APIFlask, now: datetime) -> None:
    with transaction() as session:
        campaign = make.campaign(session)
    with transaction() as session, pytest.raises(Invalid) as refused:
        schedule.send_now(session, campaign.id, now)
    assert "nobody" in refused.value.places


def test_pause_resume_and_cancel_move_only_what_can_move(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        assert not schedule.pause(session, campaign.id, now)
        assert not schedule.resume(session, campaign.id, now)
        session.get_one(Campaign, campaign.id).state = CampaignState.SENDING
    with transaction() as session:
        assert schedule.pause(session, campaign.id, now, "tea")
        assert session.get_one(Campaign, campaign.id).pause_reason == "tea"
        assert schedule.resume(session, campaign.id, now)
        assert schedule.cancel(session, campaign.id, now)
        assert not schedule.undo(session, campaign.id, now)


def test_two_editors_cannot_overwrite_one_another(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        assert drafts.save(session, campaign.id, 0, now, subject="first") == 1
    with transaction() as session, pytest.raises(Conflict):
        drafts.save(session, campaign.id, 0, now, subject="second")


def test_a_duplicate_says_the_same_to_the_same_people(campaign: Campaign, now: datetime) -> None:
    with transaction() as session:
        segment = make.segment(session, {"all": []})
        drafts.choose_audience(session, session.get_one(Campaign, campaign.id), [segment.id], [], None)
        copy = drafts.duplicate(session, session.get_one(Campaign, campaign.id), "Copy", now)
        assert (copy.html, copy.included) == (campaign.html, [segment.id])
