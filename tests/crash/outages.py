"""What the senders stand on goes away: the queue, the database, the room on the disk (TRUST Q3, Q4, Q5)."""

import http.client
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select

from app.campaigns import schedule
from app.campaigns.models import CampaignState
from app.campaigns.urls import TrackedUrls
from app.db import reading, transaction, utc_now
from app.tracking import jobs as tracking_jobs
from app.tracking.models import HitCount
from bench import installation
from bench.valkey import Valkey
from tests.crash.trial import LETTER, Scale, Stage, Trial
from tests.crash.verdict import Verdict, campaign_of, judge
from workers.embedded import free_port


def queue(trial: Trial, scale: Scale) -> Verdict:
    """The queue is killed, emptied and away in turn; SQL is the truth, so the campaign goes on by itself."""
    verdict = trial.verdict("Q3 queue", scale.people)
    valkey = Valkey(trial.folder)
    away = replace(trial, redis_url=valkey.url)
    try:
        with away.sink("--latency", "0.03") as sink, away.stage(sink, connections=scale.connections) as stage:
            with transaction() as session:
                installation.add_people(session, scale.people)
                campaign_id = installation.add_campaign(session, LETTER)
            stage.start("timetable")
            for name in ("quick", *["send"] * scale.workers):
                stage.start("worker", queue=name)
            blows = (valkey.flush, lambda: _away(valkey, 0.0), lambda: _away(valkey, scale.outage))
            for at, blow in enumerate(blows):
                verdict.expect(stage.accepted(scale.people * (at + 1) // 5, scale.patience), "the sending stopped")
                blow()
            back = time.monotonic()
            more = min(sink.accepted() + 1, scale.people)
            verdict.expect(stage.accepted(more, 60), "it does not go on within 60 seconds")
            verdict.notes.append(
                f"FLUSHALL, kill -9, {scale.outage:g} s away; goes on {time.monotonic() - back:.1f} s after"
            )
            stage.finish(verdict, campaign_id, scale.patience)
            judge(verdict, sink, campaign_id)
    finally:
        valkey.kill()
    return verdict


def _away(valkey: Valkey, seconds: float) -> None:
    valkey.kill()
    time.sleep(seconds)
    valkey.start()


def database(trial: Trial, scale: Scale) -> Verdict:
    """The database crashes, comes back, and stays away for a while; links in mails lead on all the time."""
    verdict = trial.verdict("Q4 database", scale.people)
    with trial.sink("--latency", "0.002") as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        clicks = _Clicks(stage, campaign_id)
        stage.crew(scale.workers, campaign_id)
        for blow in range(scale.blows):
            stage.accepted(scale.people * (blow + 1) // (scale.blows + 2), scale.patience)
            trial.server.crash()
            clicks.click(10)
            time.sleep(scale.outage if blow == scale.blows - 1 else 0.1)
            trial.server.start()
        stage.finish(verdict, campaign_id, scale.patience)
        # What the journal of a living sender says is brought into the ledger later: nothing need be doubled, and what
        # is at most was on its way.
        judge(verdict, sink, campaign_id, most_doubled=scale.blows * scale.workers * scale.connections)
        verdict.expect(clicks.lost == 0, f"{clicks.lost} clicks were not led on while the database was away")
        counted = clicks.counted()
        verdict.expect(counted == clicks.led, f"{clicks.led} clicks, {counted} counted")
        verdict.notes.append(f"{scale.blows} crashes, {scale.outage:g} s away; {clicks.led} clicks counted once")
    return verdict


class _Clicks:
    """A reader who clicks while the database is away."""

    def __init__(self, stage: Stage, campaign_id: int) -> None:
        with free_port() as port:
            number = port.getsockname()[1]
        self._stage, self._address = stage, ("127.0.0.1", number)
        stage.start("web", settings={"PORT": str(number)})
        tokens = stage.app.extensions["letterbond.tokens"]
        self._urls = TrackedUrls(tokens, installation.BASE_URL, campaign_id, 1)
        self.led = self.lost = 0
        assert stage.until(self._answers, 20)
        # Each of its processes has seen the campaign once.
        self.click(10)

    def click(self, times: int) -> None:
        """Follow a link so often."""
        for _ in range(times):
            status = self._get(urlsplit(self._urls.link(0)).path)
            self.led += status == 302
            self.lost += status != 302

    def counted(self) -> int:
        """How many clicks the database has in the end."""

        def total() -> int:
            with transaction():
                tracking_jobs.ingest_hits()
            with reading() as session:
                return session.scalar(select(func.sum(HitCount.hits))) or 0

        self._stage.until(lambda: total() >= self.led, 30, every=1)
        tracking_jobs.ingest_hits()
        return total()

    def _answers(self) -> bool:
        try:
            return self._get("/healthz") in {200, 503}
        except OSError:
            return False

    def _get(self, path: str) -> int:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


def disk(trial: Trial, scale: Scale) -> Verdict:
    """No sender can write more than a few notes; then there is room again. Nothing is called sent that was not."""
    verdict = trial.verdict("Q5 disk", scale.people)
    with trial.sink("--latency", "0.002") as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        # A note is 18 bytes and a mail makes two: files end after some hundred mails.
        full = stage.crew(scale.workers, campaign_id, world={"largest_file": 4096})
        verdict.expect(stage.accepted(50, scale.patience), "nothing was sent before the disk was full")
        verdict.expect(stage.until(lambda: _stands_still(stage), scale.patience), "a full disk stopped nobody")
        verdict.notes.append(_why(stage, campaign_id))
        for each in full:
            each.kill()
        make_room(stage, campaign_id)
        stage.crew(scale.workers, campaign_id)
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id, most_doubled=2 * scale.workers * scale.connections)
    return verdict


def small_disk(trial: Trial, scale: Scale) -> Verdict:
    """A disk of its own for home and database (with SQLite) runs full in mid-campaign, and is emptied again."""
    verdict = trial.verdict("Q5 mount", scale.people)
    place = trial.folder / "small"
    place.mkdir()
    _mount(f"mount -t tmpfs -o size={_SMALL_DISK} tmpfs {place}")
    try:
        on_it = replace(trial, folder=place)
        if trial.server is None:
            on_it = replace(on_it, database_url=f"sqlite:///{place / 'letterbond.db'}")
        with trial.sink("--latency", "0.002") as sink, on_it.stage(sink, connections=scale.connections) as stage:
            campaign_id = stage.launch(scale.people)
            stage.crew(scale.workers, campaign_id)
            verdict.expect(
                stage.accepted(scale.people // 4, scale.patience), "nothing was sent before the disk was full"
            )
            _fill(place / "ballast")
            verdict.expect(stage.until(lambda: _stands_still(stage), scale.patience), "a full disk stopped nobody")
            verdict.notes.append(_why(stage, campaign_id))
            (place / "ballast").unlink()
            make_room(stage, campaign_id)
            stage.finish(verdict, campaign_id, scale.patience)
            judge(verdict, sink, campaign_id, most_doubled=2 * scale.workers * scale.connections)
    finally:
        _mount(f"umount --lazy {place}")
    return verdict


_SMALL_DISK = "200m"


def _mount(command: str) -> None:
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}; this trial needs root")


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))


def make_room(stage: Stage, campaign_id: int) -> None:
    """There is room again: a campaign that paused is resumed, as a marketer would."""
    if campaign_of(campaign_id).state is CampaignState.PAUSED:
        with transaction() as session:
            schedule.resume(session, campaign_id, utc_now())


def _why(stage: Stage, campaign_id: int) -> str:
    """What the campaign's page says; nothing where the database itself has no room to say it."""
    stage.until(lambda: bool(campaign_of(campaign_id).pause_reason), 10, every=0.5)
    return "stopped: " + (campaign_of(campaign_id).pause_reason or "no word on the page")


def _stands_still(stage: Stage) -> bool:
    before = stage.sink.accepted()
    time.sleep(1.5)
    return stage.sink.accepted() == before
