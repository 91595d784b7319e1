"""Relays that refuse, cut, hang and lie (TRUST Q6, Q7, Q8, Q9)."""

import time
from dataclasses import replace
from functools import partial

from app.campaigns.models import CampaignState, CrashPolicy
from app.delivery.models import DeliveryState
from bench.certificates import Authority
from tests.crash.outages import make_room
from tests.crash.trial import Scale, Stage, Trial, let_time_pass, relay_to
from tests.crash.verdict import Verdict, campaign_of, judge

_STORM = (
    "connect:421 4.3.2 come back later:0.1",
    "ehlo:421 4.3.2 come back later:0.05",
    "mail:451 4.3.0 not now:0.03",
    "rcpt:450 4.2.1 mailbox busy:0.05",
    "data:451 4.3.0 not now:0.03",
    "dot:451 4.3.0 not now:0.05",
    "rcpt:421 4.7.0 closing:0.01",
    "rcpt:450 4.2.0 never today:1:gmx.de",
)


def storm(trial: Trial, scale: Scale) -> Verdict:
    """4xx at every phase, greylisting and 421: all are reached in the end, but the one whom no server ever takes."""
    verdict = trial.verdict("Q6 4xx storm", scale.people)
    faults = [word for fault in _STORM for word in ("--fault", fault)]
    options = ("--greylist", "0.3", "--per-connection", "50", *faults)
    with trial.sink(*options) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people, slow_every=scale.people)
        stage.crew(scale.workers, campaign_id)
        weather(stage, verdict, campaign_id, scale)
        _, written = judge(verdict, sink, campaign_id)
        expired = written.by_state[DeliveryState.FAILED]
        verdict.expect(len(expired) == 1, f"{len(expired)} expired instead of the one")
        counts = sink.stop()
        refused = sum(
            times for name, times in counts.items() if name[-1:].isalpha() and ":" not in name and " 4" in name
        )
        verdict.notes.append(f"{refused} refusals, {counts['greylisted']} greylisted, 1 expired with the reason")
    return verdict


def weather(stage: Stage, verdict: Verdict, campaign_id: int, scale: Scale) -> None:
    """Let hours of backoff pass in moments until the campaign is over."""
    end = time.monotonic() + scale.patience
    while not stage.ended(campaign_id, 0.3) and time.monotonic() < end:
        let_time_pass(campaign_id)
        make_room(stage, campaign_id)
    stage.finish(verdict, campaign_id, 1)


def cut(trial: Trial, scale: Scale) -> Verdict:
    """One mail of a hundred is kept and the connection cut before the 250: sent again, and each double is known."""
    return _cut(trial, scale, "Q7 cut", CrashPolicy.RESEND)


def cut_never(trial: Trial, scale: Scale) -> Verdict:
    """The same where nothing may go twice: each is unknown."""
    return _cut(trial, scale, "Q7 never", CrashPolicy.NEVER)


def _cut(trial: Trial, scale: Scale, question: str, policy: CrashPolicy) -> Verdict:
    verdict = trial.verdict(question, scale.people)
    with trial.sink("--fault", "dot:lose:0.01") as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people, policy)
        stage.crew(scale.workers, campaign_id)
        weather(stage, verdict, campaign_id, scale)
        cuts = sink.audit().lost_replies
        resent = policy is CrashPolicy.RESEND
        judge(verdict, sink, campaign_id, most_doubled=cuts if resent else 0)
        found = verdict.doubled if resent else verdict.unknown
        verdict.expect(found == cuts, f"{cuts} cuts, {found} {'doubled' if resent else 'unknown'}")
        verdict.notes.append(f"{cuts} cuts")
    return verdict


def hang(trial: Trial, scale: Scale) -> Verdict:
    """The server of one provider stops answering, at one phase after the other: all others get theirs meanwhile."""
    verdict = trial.verdict("Q8 hang", scale.people)
    usual = _others_per_second(trial, scale, verdict, "")
    for phase in ("rcpt", "data", "dot"):
        speed = _others_per_second(trial, scale, verdict, phase)
        # Short trials are over before a speed means anything.
        is_kept = speed >= 0.9 * usual or scale.people < _MEANINGFUL
        verdict.expect(is_kept, f"the others keep {speed / usual:.0%} of their speed while {phase} hangs")
        verdict.notes.append(f"{phase} {speed / usual:.0%}")
    return verdict


_MEANINGFUL = 10_000
# So many connections the product gives that provider (workers/smtp/data/providers.toml).
_AT_ONCE = 4


def _others_per_second(trial: Trial, scale: Scale, verdict: Verdict, phase: str) -> float:
    """How fast the mails to the others are accepted, while that phase hangs for one of twenty."""
    folder = trial.folder / (phase or "usual")
    folder.mkdir()
    one, others = replace(trial, folder=folder, database_url=trial.another()), scale.people - scale.people // 20
    with one.sink() as sink, one.stage(sink, connections=20) as stage:
        if phase:
            sink.set_faults(f"{phase}:hang:1:gmx.de")
        campaign_id = stage.launch(scale.people, slow_every=20)
        stage.crew(scale.workers, campaign_id)
        # An envelope may have travelled behind each dot that hangs: that one mail changes the connection after seconds.
        at_once = others - scale.workers * _AT_ONCE if phase == "dot" else others
        verdict.expect(stage.accepted(at_once, scale.patience), f"the others wait while {phase} hangs")
        speed = at_once / (time.monotonic() - stage.began)
        verdict.expect(stage.accepted(others, scale.patience), f"some others wait for good while {phase} hangs")
        sink.set_faults()
        weather(stage, verdict, campaign_id, scale)
        judge(verdict, sink, campaign_id)
    return speed


def tls(trial: Trial, scale: Scale) -> Verdict:
    """No STARTTLS, expired, self-signed, cut in the handshake: nothing goes out in the clear, the page says why."""
    verdict = trial.verdict("Q9 TLS", scale.people)
    authority = Authority(trial.folder)
    good, expired, stranger = authority.issue(), authority.issue(days=-1), Authority(trial.folder / "stranger").issue()
    secure = ("--security", "smtp+starttls", "--certificate")
    # What is wrong, how the sink does it, and the words that the page must find for it.
    faults = (
        ("no STARTTLS", (), "offers no STARTTLS"),
        ("expired", (*secure, str(expired)), "certificate has expired"),
        ("of a stranger", (*secure, str(stranger)), "unable to get local issuer certificate"),
        ("cut", (*secure, str(good), "--resets-tls"), "ended the greeting"),
    )
    with trial.sink() as sink:
        url = relay_to(sink.port, scale.connections, security="smtp+starttls")
        with trial.stage(sink, smtp_url=url) as stage:
            campaign_id = stage.launch(scale.people)
            stage.crew(scale.workers, campaign_id, world={"environment": {"SSL_CERT_FILE": str(authority.file)}})
            for name, options, words in faults:
                sink.stop()
                sink.start(*options)
                is_said = stage.until(partial(_says, campaign_id, words), scale.patience, every=0.2)
                verdict.expect(is_said, f"no word on the page: {name}")
            verdict.expect(sink.accepted() == 0, f"{sink.accepted()} mails went out in the clear")
            sink.stop()
            sink.start(*secure, str(good))
            weather(stage, verdict, campaign_id, scale)
            judge(verdict, sink, campaign_id)
            verdict.notes.append("; ".join(name for name, *_how in faults))
    return verdict


def _says(campaign_id: int, words: str) -> bool:
    """Whether the page gives this reason; the next try comes at once."""
    let_time_pass(campaign_id)
    campaign = campaign_of(campaign_id)
    return campaign.state is CampaignState.SENDING and words in (campaign.pause_reason or "")
