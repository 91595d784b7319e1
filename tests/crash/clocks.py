"""Clocks that are wrong, hours that come twice or never, and two hands on one button (TRUST Q10, Q11)."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from app.campaigns.models import Campaign, CampaignState
from app.db import Database, transaction
from app.delivery import launch
from app.delivery.models import Delivery, Shard
from bench import installation
from tests.crash.trial import LETTER, Scale, Trial
from tests.crash.verdict import Verdict, judge

_BERLIN = ZoneInfo("Europe/Berlin")
_DAY = timedelta(days=1)
# The last one exists twice, and once is meant; the one before the leap day is followed by another of the same hour.
_WALL = (
    datetime(2027, 3, 28, 1, 59, tzinfo=_BERLIN),
    datetime(2027, 3, 28, 3, 0, tzinfo=_BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=_BERLIN),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=_BERLIN),
    datetime(2028, 2, 29, 12, 0, tzinfo=_BERLIN),
    datetime(2028, 2, 28, 23, 59, 59, tzinfo=_BERLIN),
    datetime(2028, 12, 31, 23, 59, 59, tzinfo=_BERLIN),
)
# A clock that jumps: forward by a day, back by a day, and over each moment from both sides.
_JUMPS = (-2 * _DAY, timedelta(hours=-1), timedelta(seconds=-1), timedelta(0), -_DAY, _DAY, timedelta(hours=1), -_DAY)


def clock(trial: Trial, scale: Scale) -> Verdict:
    """Each schedule fires once while the clock jumps; senders whose clocks are a day apart share a campaign."""
    verdict = trial.verdict("Q10 clock", scale.people)
    with trial.sink() as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        fired = _fired()
        verdict.expect(set(fired.values()) == {1}, f"schedules did not fire once each: {sorted(fired.values())}")
        early = [at for at, count in _fired_early().items() if count]
        verdict.expect(not early, f"{len(early)} fired before their time")
        for seconds in (86400.0, -86400.0, *[0.0] * (scale.workers - 2)):
            stage.crew(1, campaign_id, world={"clock": seconds})
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id)
        verdict.notes.append(f"{len(fired)} schedules over DST and leap days fired once each; senders two days apart")
    return verdict


def _fired() -> Counter[datetime]:
    """How often each schedule was launched while the clock jumped over it."""
    fired: Counter[datetime] = Counter()
    for at in _WALL:
        campaign_id = _scheduled(at)
        for jump in _JUMPS:
            now = at.astimezone(UTC) + jump
            with transaction() as session:
                fired[at.astimezone(UTC)] += launch.launch(session, campaign_id, now)
    return fired


def _fired_early() -> Counter[datetime]:
    fired: Counter[datetime] = Counter()
    for at in _WALL:
        campaign_id = _scheduled(at)
        for jump in (-_DAY, timedelta(hours=-1), timedelta(seconds=-1)):
            with transaction() as session:
                fired[at.astimezone(UTC)] += launch.launch(session, campaign_id, at.astimezone(UTC) + jump)
    return fired


def _scheduled(at: datetime) -> int:
    with transaction() as session:
        campaign_id = installation.add_campaign(session, LETTER)
        moved = update(Campaign).where(Campaign.id == campaign_id)
        session.execute(moved.values(state=CampaignState.SCHEDULED, send_after=at.astimezone(UTC)))
    return campaign_id


def race(trial: Trial, scale: Scale) -> Verdict:
    """Hundreds of clicks and timetables launch one campaign at the same moment: one set of mails."""
    verdict = trial.verdict("Q11 race", scale.people)
    with trial.sink() as sink, trial.stage(sink, connections=scale.connections) as stage:
        with transaction() as session:
            installation.add_people(session, scale.people)
            campaign_id = installation.add_campaign(session, LETTER)
        database: Database = stage.app.extensions["letterbond.database"]

        def press(_number: int) -> bool:
            with stage.app.app_context(), database.transaction() as session:
                return launch.launch(session, campaign_id, datetime.now(UTC))

        with ThreadPoolExecutor(16) as hands:
            won = sum(hands.map(press, range(scale.blows)))
        verdict.expect(won == 1, f"{won} of {scale.blows} believe that they launched it")
        with transaction() as session:
            written = session.scalar(select(func.count()).select_from(Delivery))
            parts = session.scalar(select(func.sum(Shard.size)))
        verdict.expect(written == parts == scale.people, f"{written} deliveries in shards of {parts}")
        stage.began = time.monotonic()
        stage.crew(scale.workers, campaign_id)
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id)
        verdict.notes.append(f"{scale.blows} launches at once")
    return verdict
