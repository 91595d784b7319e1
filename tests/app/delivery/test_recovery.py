"""Journals and what is made of them when their sender is dead."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update

from app.campaigns.models import CrashPolicy
from app.db import transaction, utc_now
from app.delivery.batch import take_batch
from app.delivery.books import books
from app.delivery.journal import Journal, Stretch, dead_stretches, read_notes, remove_older
from app.delivery.ledger import next_try
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.recover import recover
from app.delivery.shards import claim, free_dead, release, renew
from app.transport import Outcome, Result

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STRETCH = Stretch(7, 3, 1)


def test_the_last_note_on_each_person_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, STRETCH)
    journal.reserve(2)
    journal.intend(1)
    journal.reply(1, Outcome(Result.BOUNCED, 550, "5.1.10", "no"), int(AT.timestamp()))
    journal.intend(2)
    journal.close()
    notes = read_notes(tmp_path, STRETCH)
    assert notes is not None
    assert notes.keys() == {1, 2}
    assert notes[1].outcome == Outcome(Result.BOUNCED, 550, "5.1.10")
    assert notes[1].at == AT
    assert notes[2].outcome is None


def test_a_note_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    """Its last byte is written last: wherever in it a process is killed, it is as if it had not begun."""
    path = tmp_path / STRETCH.file_name
    journal = Journal(tmp_path, STRETCH)
    journal.reserve(1)
    journal.intend(2**62 + 1)
    begun = path.read_bytes()
    journal.reply(2**62 + 1, Outcome(Result.ACCEPTED, 250), int(AT.timestamp()))
    journal.close()
    ended = path.read_bytes()
    note = len(begun) // 2
    for written in range(note):
        path.write_bytes(ended[: note + written] + begun[note + written :])
        notes = read_notes(tmp_path, STRETCH)
        assert notes is not None
        assert [each.outcome for each in notes.values()] == [None]


def test_notes_are_there_while_more_room_is_made_for_others(tmp_path: Path) -> None:
    """Reserving comes from another thread than the notes, and moves them in memory."""
    journal, people = Journal(tmp_path, STRETCH), range(1, 20_001)
    journal.reserve(len(people))
    with ThreadPoolExecutor(1) as beside:
        growing = [beside.submit(journal.reserve, 50) for _ in range(400)]
        for person in people:
            journal.intend(person)
            journal.reply(person, Outcome(Result.ACCEPTED, 250), int(AT.timestamp()))
        for each in growing:
            each.result()
    journal.close()
    notes = read_notes(tmp_path, STRETCH)
    assert notes is not None
    assert notes.keys() == set(people)


def test_on_another_host_there_is_no_journal(tmp_path: Path) -> None:
    assert read_notes(tmp_path, STRETCH) is None


def test_only_the_living_hold_the_lock_of_their_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, STRETCH)
    assert list(dead_stretches(tmp_path, 7)) == []
    journal.close()
    assert list(dead_stretches(tmp_path, 7)) == [STRETCH]
    assert list(dead_stretches(tmp_path, 70)) == []
    remove_older(tmp_path, Stretch(7, 3, 2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "in_doubt"),
    [
        (CrashPolicy.RESEND, DeliveryState.QUEUED),
        (CrashPolicy.ASK, DeliveryState.UNKNOWN),
        (CrashPolicy.NEVER, DeliveryState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("same_host", [True, False])
def test_what_a_dead_sender_left_is_settled_by_its_notes(
    launched: Callable[..., int], tmp_path: Path, policy: CrashPolicy, in_doubt: DeliveryState, same_host: bool
) -> None:
    """Sent is sent, begun is in doubt, not begun is queued; without a journal all is in doubt."""
    campaign_id = launched(people=4)
    with transaction() as session:
        claimed = claim(session, campaign_id, "dead", utc_now())
        assert claimed
        taken, _skipped = take_batch(session, claimed.stretch, 3, utc_now())
    people = [each.subscriber_id for each in taken]
    journal = Journal(tmp_path / "journal", claimed.stretch)
    journal.reserve(len(people))
    journal.intend(people[0])
    journal.reply(people[0], Outcome(Result.ACCEPTED, 250), int(AT.timestamp()))
    journal.intend(people[1])
    journal.close()
    folder = tmp_path / ("journal" if same_host else "elsewhere")
    with transaction() as session:
        assert claim(session, campaign_id, "too early", utc_now()) is None
        free_dead(session, dead_stretches(tmp_path / "journal", campaign_id))
        again = claim(session, campaign_id, "next", utc_now())
        assert again
        assert again.stretch.epoch == claimed.stretch.epoch + 1
        recover(session, again.stretch, policy, folder, utc_now())
    with transaction() as session:
        rows = {row.subscriber_id: row for row in session.scalars(select(Delivery))}
        found = [rows[person].state for person in people]
        assert books(session, campaign_id).balanced
    if same_host:
        assert found == [DeliveryState.SENT, in_doubt, DeliveryState.QUEUED]
        assert rows[people[0]].sent_at == AT
    else:
        assert found == [in_doubt] * 3
    doubted = (1 if same_host else 3) if policy is CrashPolicy.RESEND else 0
    assert sum(row.repeats for row in rows.values()) == doubted


def test_a_lease_keeps_others_away_until_it_ends(launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1)
    with transaction() as session:
        first = claim(session, campaign_id, "first", utc_now())
        assert first
        assert claim(session, campaign_id, "second", utc_now()) is None
        session.execute(update(Shard).values(lease_until=utc_now() - timedelta(seconds=2)))
        second = claim(session, campaign_id, "second", utc_now())
        assert second
        assert not renew(session, first.stretch)
        assert not release(session, first.stretch)
        assert renew(session, second.stretch)


def test_waits_double_and_end_after_three_days() -> None:
    """Q6: backoff with jitter, 72 hours in all."""
    waits = []
    while (at := next_try(len(waits) + 1, AT)) is not None:
        waits.append((at - AT).total_seconds() / 60)
    assert 4 <= waits[0] <= 6
    assert 8 <= waits[1] <= 12
    assert max(waits) <= 240 * 1.2
    assert 60 <= sum(waits) / 60 <= 90


def test_nothing_of_the_journal_remains_after_the_end(app: APIFlask, launched: Callable[..., int]) -> None:
    from app.delivery import jobs
    from tests.sink import Sink
    from workers.smtp import SmtpTransport

    campaign_id = launched(people=3)
    with Sink() as sink:
        app.extensions["letterbond.transport"] = lambda: SmtpTransport(sink.relay, "test.example")
        jobs.drain(campaign_id)
    assert list(app.extensions["letterbond.config"].journal.iterdir()) == []
