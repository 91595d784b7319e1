"""What is in the mails: poison in a template, and nothing of anybody else (TRUST Q12, Q17)."""

import re
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import select

from app.db import reading
from app.delivery.models import Delivery, DeliveryState
from app.tokens import Purpose, Tokens
from bench.installation import mark
from bench.sink_log import Accepted, read_log
from tests.crash.trial import LETTER, Scale, Trial
from tests.crash.verdict import Verdict, judge

# Three readers whose values turn the template into an endless loop, a text of two gigabytes and an error.
_LOOP = "{% for each in range(1000) %}"
_POISON = f"""{{% if email == "reader3@example.org" %}}{_LOOP * 3}.{"{% endfor %}" * 3}{{% endif %}}
{{% if email == "reader5@example.org" %}}{_LOOP}{"A" * 20_000}{{% endfor %}}{{% endif %}}
{{% if email == "reader7@example.org" %}}{{{{ 1 / (score - score) }}}}{{% endif %}}
"""
_POISONED = {f"reader{number}@example.org" for number in (3, 5, 7)}
_MOST_MB = 512
_TOKEN = re.compile(r"/(?:o|c|u|preferences|tracking-off|view)/([A-Za-z0-9_-]{22,})")


def poison(trial: Trial, scale: Scale) -> Verdict:
    """For three people the template is poison: they fail with the reason, all others get theirs, memory stays flat."""
    verdict = trial.verdict("Q12 poison", scale.people)
    letter = replace(LETTER, html=LETTER.html.replace("<p>{{ sender", _POISON + "<p>{{ sender"))
    with trial.sink() as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people, letter=letter)
        crew = stage.crew(scale.workers, campaign_id)
        peaks = {each.pid: 0.0 for each in crew}

        def over() -> bool:
            peaks.update({each.pid: max(peaks[each.pid], each.peak_mb()) for each in crew})
            return stage.ended(campaign_id, 0)

        stage.until(over, scale.patience)
        stage.finish(verdict, campaign_id, 1)
        _, written = judge(verdict, sink, campaign_id)
        failed = written.by_state[DeliveryState.FAILED]
        verdict.expect(failed == _POISONED, f"failed: {sorted(failed)}")
        reasons = _reasons(campaign_id)
        verdict.expect(all(reasons), "a failure without a reason")
        most = max(peaks.values())
        verdict.expect(most <= _MOST_MB, f"a sender took {most:.0f} MB")
        verdict.notes.append(f"3 failed: {'; '.join(sorted(set(reasons)))[:160]}; at most {most:.0f} MB")
    return verdict


def _reasons(campaign_id: int) -> list[str]:
    with reading() as session:
        failed = (Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.FAILED)
        return [said or "" for said in session.scalars(select(Delivery.reply).where(*failed))]


def own(trial: Trial, scale: Scale) -> Verdict:
    """Every mail carries its reader's own mark and tokens, and nobody else's; some senders are killed meanwhile."""
    verdict = trial.verdict("Q17 own", scale.people)
    marks = r"mark-\d+-mark|/(?:o|c|u|preferences|tracking-off|view)/[A-Za-z0-9_-]{22,}"
    with trial.sink("--marks", marks) as sink, trial.stage(sink, connections=scale.connections) as stage:
        campaign_id = stage.launch(scale.people)
        crew = stage.crew(scale.workers, campaign_id)
        for blow in range(scale.blows):
            stage.accepted(scale.people * (blow + 1) // (scale.blows + 2), scale.patience)
            crew[blow % len(crew)].kill()
            crew[blow % len(crew)] = stage.crew(1, campaign_id)[0]
        stage.finish(verdict, campaign_id, scale.patience)
        judge(verdict, sink, campaign_id, most_doubled=scale.blows * scale.connections)
        tokens = stage.app.extensions["letterbond.tokens"]
        strange = [mail.recipient for mail in read_log(sink.log) if not _is_own(mail, tokens)]
        verdict.expect(not strange, f"{len(strange)} mails carry something of others, for example to {strange[:1]}")
        verdict.notes.append("marks and tokens of each mail read")
    return verdict


def _is_own(mail: Accepted, tokens: Tokens) -> bool:
    number = int(re.sub(r"\D", "", mail.recipient.partition("@")[0]))
    found = [each for each in mail.marks if each.startswith("mark-")]
    readers = list(_readers(mail, tokens))
    return found == [mark(number)] and len(readers) >= 3 and set(readers) == {number}


def _readers(mail: Accepted, tokens: Tokens) -> Iterator[int]:
    """The subscriber that each token of a mail speaks of; 0 where it was not signed by us."""
    for each in mail.marks:
        if not (found := _TOKEN.match(each)):
            continue
        for purpose in Purpose:
            if numbers := tokens.read(purpose, found[1]):
                # Tokens of a campaign's mail say the campaign first, tokens of a person's page the person.
                is_of_campaign = purpose in {Purpose.OPEN, Purpose.CLICK, Purpose.WEBVIEW}
                yield numbers[1] if is_of_campaign else numbers[0]
                break
        else:
            yield 0
