"""Processes that die and processes that are asked to leave (TRUST Q1, Q2)."""

import signal

from app.campaigns.models import CrashPolicy
from tests.crash.trial import Scale, Stage, Trial
from tests.crash.verdict import Verdict, judge, ledger

# A relay that thinks for a moment: so there is something in flight when the blow falls.
_SLOWLY = ("--latency", "0.002")


def kill(trial: Trial, scale: Scale) -> Verdict:
    """Random senders are killed (-9) again and again in mid-campaign; each is replaced."""
    return _struck(trial, scale, "Q1 kill -9", CrashPolicy.RESEND)


def kill_never(trial: Trial, scale: Scale) -> Verdict:
    """The same where nothing may go twice: what was in flight is unknown, and nobody gets two."""
    return _struck(trial, scale, "Q1 never", CrashPolicy.NEVER)


def deploy(trial: Trial, scale: Scale) -> Verdict:
    """All senders are asked to stop (SIGTERM) and started anew: nothing lost, nothing doubled."""
    verdict = trial.verdict("Q2 deploy", scale.people)
    with trial.sink(*_SLOWLY) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        crew = stage.crew(scale.workers, campaign_id)
        for blow in range(scale.blows):
            stage.accepted(scale.people * (blow + 1) // (scale.blows + 2), scale.patience)
            for each in crew:
                each.send(signal.SIGTERM)
            verdict.expect(all(each.ends(30) for each in crew), "a sender did not stop within 30 seconds")
            crew = stage.crew(scale.workers, campaign_id)
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id)
        verdict.notes.append(f"{scale.blows} deploys of {scale.workers} senders")
    return verdict


def _struck(trial: Trial, scale: Scale, question: str, policy: CrashPolicy) -> Verdict:
    verdict = trial.verdict(question, scale.people)
    with trial.sink(*_SLOWLY) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people, policy)
        _strike(stage, scale, campaign_id, verdict)
        stage.finish(verdict, campaign_id, scale.patience)
        most = scale.blows * scale.connections
        judge(verdict, sink, campaign_id, most_doubled=most if policy is CrashPolicy.RESEND else 0)
        verdict.expect(verdict.unknown <= most, f"at most {most} may be unknown")
        verdict.notes.append(f"{scale.blows} kills, {scale.workers} senders × {scale.connections} connections")
    return verdict


def _strike(stage: Stage, scale: Scale, campaign_id: int, verdict: Verdict) -> None:
    crew = stage.crew(scale.workers, campaign_id)
    for blow in range(scale.blows):
        enough = scale.people * (blow + 1) // (scale.blows + 2)
        verdict.expect(stage.accepted(enough, scale.patience), f"the sending stopped before kill {blow + 1}")
        victim = stage.chance.randrange(len(crew))
        crew[victim].kill()
        books = ledger(campaign_id).books
        verdict.expect(books.balanced, f"the books do not balance after kill {blow + 1}: {books}")
        crew[victim] = stage.crew(1, campaign_id)[0]
