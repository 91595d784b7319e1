"""Readers who leave in mid-campaign, marketers who cannot decide, hits that come twice (TRUST Q14, Q19, Q20)."""

import json
import time
from collections.abc import Callable
from threading import Barrier, Thread

from sqlalchemy import func, select

from app.campaigns import schedule
from app.campaigns.models import CampaignState
from app.db import reading, transaction, utc_now
from app.delivery.models import Delivery, DeliveryState
from app.events.buffer import Spool
from app.subscribers.lifecycle import unsubscribe
from app.tracking import jobs as tracking_jobs
from app.tracking.models import HitCount
from tests.crash.trial import Scale, Stage, Trial
from tests.crash.verdict import Verdict, campaign_of, judge, ledger

_SLOWLY = ("--latency", "0.002")

# Longer than a claim takes from its first look to its commit.
_CLAIM_SECONDS = 0.2


def leave(trial: Trial, scale: Scale) -> Verdict:
    """Readers unsubscribe while the campaign goes out: who was not claimed then is never mailed."""
    verdict = trial.verdict("Q14 leave", scale.people)
    with trial.sink(*_SLOWLY) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        stage.crew(scale.workers, campaign_id)
        stage.accepted(1, scale.patience)
        waiting = _leave(stage, campaign_id, scale)
        stage.finish(verdict, campaign_id, scale.patience)
        taken, written = judge(verdict, sink, campaign_id)
        mailed = waiting & taken.times.keys()
        verdict.expect(not mailed, f"{len(mailed)} were mailed though they had left before their turn")
        skipped = written.by_state[DeliveryState.SKIPPED]
        verdict.expect(waiting <= skipped, f"{len(waiting - skipped)} who had left are not listed as skipped")
        verdict.notes.append(f"{scale.blows} left, {len(waiting)} of them before their turn")
    return verdict


def _leave(stage: Stage, campaign_id: int, scale: Scale) -> set[str]:
    """Let random readers leave; those whose mail was still queued when their page said that they had."""
    waiting = set()
    for number in stage.chance.sample(range(1, scale.people + 1), scale.blows):
        with transaction() as session:
            unsubscribe(session, number, utc_now(), campaign_id=campaign_id, how="page")
        if _state(campaign_id, number) is not DeliveryState.QUEUED:
            continue
        # A claim that began before she left may not be visible yet: whom it took was not waiting any more.
        time.sleep(_CLAIM_SECONDS)
        if _state(campaign_id, number) in {DeliveryState.QUEUED, DeliveryState.SKIPPED}:
            waiting.add(f"reader{number}@example.org")
    return waiting


def _state(campaign_id: int, number: int) -> DeliveryState | None:
    with reading() as session:
        return session.scalar(
            select(Delivery.state).where(Delivery.campaign_id == campaign_id, Delivery.subscriber_id == number)
        )


def pause(trial: Trial, scale: Scale) -> Verdict:
    """Pause and resume again and again: the books balance at every instant, nobody is left out, nobody gets two."""
    verdict = trial.verdict("Q19 pause", scale.people)
    with trial.sink(*_SLOWLY) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        stage.crew(scale.workers, campaign_id)
        for _ in range(scale.blows):
            _do(schedule.pause, campaign_id)
            books = ledger(campaign_id).books
            verdict.expect(books.balanced, f"the books do not balance: {books}")
            time.sleep(stage.chance.uniform(0, 0.15))
            _do(schedule.resume, campaign_id)
            time.sleep(stage.chance.uniform(0, 0.15))
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id)
        verdict.notes.append(f"{scale.blows} pauses")
    return verdict


def cancel(trial: Trial, scale: Scale) -> Verdict:
    """Cancelled in the middle: what was accepted is called sent, all others are called skipped."""
    verdict = trial.verdict("Q19 cancel", scale.people)
    with trial.sink(*_SLOWLY) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        crew = stage.crew(scale.workers, campaign_id)
        verdict.expect(stage.accepted(scale.people // 4, scale.patience), "nothing was sent")
        _do(schedule.cancel, campaign_id)
        settled = stage.until(lambda: _settles(stage, campaign_id), scale.patience, every=0.2)
        verdict.expect(settled, "what was left was not called off")
        verdict.expect(all(each.ends(scale.patience) for each in crew), "a sender goes on")
        verdict.seconds = time.monotonic() - stage.began
        taken, _ = judge(verdict, sink, campaign_id)
        verdict.expect(campaign_of(campaign_id).state is CampaignState.CANCELLED, "it is not cancelled")
        verdict.notes.append(f"cancelled after {taken.accepted:,}")
    return verdict


def _settles(stage: Stage, campaign_id: int) -> bool:
    """Whether nothing is left; senders stop by themselves when a campaign is over, a last one clears up."""
    if not any(each.lives for each in stage.workers):
        stage.crew(1, campaign_id)
    return ledger(campaign_id).books.left == 0


def _do(verb: Callable[..., bool], campaign_id: int) -> None:
    with transaction() as session:
        verb(session, campaign_id, utc_now())


def hits(trial: Trial, scale: Scale) -> Verdict:
    """The same hits are ingested by many at once, again and again: each is counted once."""
    verdict = trial.verdict("Q20 hits", scale.people)
    with trial.sink() as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        stage.crew(scale.workers, campaign_id)
        stage.finish(verdict, campaign_id, scale.patience)
        spool, then = Spool(stage.app.extensions["letterbond.config"].spool), int(time.time() * 1000) - 3_600_000
        for number in range(scale.people):
            hit = [then + number, "c", campaign_id, number + 1, "0", "203.0.113.7", "Mozilla/5.0", ""]
            spool.append(json.dumps(hit).encode() + b"\n")
        spool.close()
        _ingest_at_once(stage, scale.blows)
        with reading() as session:
            counted = session.scalar(select(func.sum(HitCount.hits))) or 0
        verdict.expect(counted == scale.people, f"{scale.people} hits, {counted} counted")
        judge(verdict, sink, campaign_id)
        verdict.notes.append(f"{counted:,} hits counted once by {scale.blows} at a time")
    return verdict


def _ingest_at_once(stage: Stage, hands: int) -> None:
    start = Barrier(hands)

    def ingest() -> None:
        with stage.app.app_context():
            start.wait()
            for _ in range(3):
                tracking_jobs.ingest_hits()

    threads = [Thread(target=ingest) for _ in range(hands)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
