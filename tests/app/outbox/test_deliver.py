"""Letters: written with their change, sent after, tried again, given up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.db import transaction, utc_now
from app.mail import system_headers
from app.outbox.deliver import CLAIM, claim_letter, hand_over, purge_letters, settle
from app.outbox.jobs import deliver
from app.outbox.models import Letter, LetterState
from app.outbox.post import post
from app.transport import MailObject, Outcome, Result
from tests import make

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DOWN = Outcome(Result.UNREACHABLE, text="connection refused")


class Relay:
    """A next hop that answers as told and keeps what it took."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes: Iterator[Outcome] = iter(outcomes)
        self.taken: list[tuple[str, str, bytes]] = []
        self.is_closed = False

    def send(self, mail: MailObject) -> Outcome:
        self.taken.append((mail.envelope_sender, mail.recipient, mail.content))
        return next(self._outcomes, Outcome(Result.ACCEPTED, 250, "2.0.0", "Ok"))

    def close(self) -> None:
        self.is_closed = True


def _post(now: datetime = NOW, recipient: str = "anna@example.org", subject: str = "Hallo Käse") -> int:
    with transaction() as session:
        headers = system_headers()
        return post(session, make.sender(session), recipient, "test", subject, "<p>Hi</p>", "Hi", headers, now).id


def _letter(letter_id: int) -> Letter:
    with transaction() as session:
        return session.get_one(Letter, letter_id)


def test_waiting_letters_are_sent_with_their_headers(app: APIFlask) -> None:
    relay = Relay()
    app.extensions["letterbond.transport"] = lambda: relay
    letter_id = _post(utc_now())
    deliver()
    [(envelope_sender, recipient, content)] = relay.taken
    assert (envelope_sender, recipient) == ("post@kaeserei.example", "anna@example.org")
    assert b"Auto-Submitted: auto-generated\r\n" in content
    assert relay.is_closed
    letter = _letter(letter_id)
    assert (letter.state, letter.reply) == (LetterState.SENT, "250 2.0.0 Ok")
    deliver()
    assert len(relay.taken) == 1


def test_a_claimed_letter_is_nobody_elses_until_the_claim_runs_out(app: APIFlask) -> None:
    letter_id = _post()
    with transaction() as session:
        claim = claim_letter(session, NOW)
        assert claim
        assert claim.letter_id == letter_id
    with transaction() as session:
        assert claim_letter(session, NOW + CLAIM - timedelta(seconds=1)) is None
        assert claim_letter(session, NOW + CLAIM) is not None


def test_a_relay_that_is_away_is_asked_again_after_growing_pauses(app: APIFlask) -> None:
    letter_id, now, pauses = _post(), NOW, []
    for _ in range(9):
        with transaction() as session:
            assert claim_letter(session, now)
            settle(session, letter_id, DOWN, now)
        pauses.append(_letter(letter_id).next_try_at - now)
        now = _letter(letter_id).next_try_at
    assert [int(pause.total_seconds() / 60) for pause in pauses] == [2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert _letter(letter_id).reply == "connection refused"


def test_after_three_days_a_letter_is_given_up(app: APIFlask) -> None:
    letter_id = _post()
    with transaction() as session:
        settle(session, letter_id, DOWN, NOW + timedelta(hours=72))
    assert _letter(letter_id).state is LetterState.FAILED


def test_a_refused_letter_is_not_offered_again(app: APIFlask) -> None:
    """TRUST R5."""
    relay = Relay(Outcome(Result.BOUNCED, 550, "5.1.1", "No such user"))
    app.extensions["letterbond.transport"] = lambda: relay
    letter_id = _post(utc_now())
    deliver()
    deliver()
    assert len(relay.taken) == 1
    assert (_letter(letter_id).state, _letter(letter_id).reply) == (LetterState.FAILED, "550 5.1.1 No such user")


@pytest.mark.parametrize("subject", ["Hi\r\nBcc: all@example.org", "Hi\x07", "Hi\u2028there"])
def test_a_letter_that_cannot_be_written_fails_alone(app: APIFlask, subject: str) -> None:
    """TRUST R21."""
    relay = Relay()
    app.extensions["letterbond.transport"] = lambda: relay
    bad, good = _post(utc_now(), subject=subject), _post(utc_now(), "bert@example.org")
    deliver()
    assert _letter(bad).state is LetterState.FAILED
    assert _letter(good).state is LetterState.SENT
    assert [recipient for _, recipient, _ in relay.taken] == ["bert@example.org"]


def test_what_is_handed_over_is_what_was_written(app: APIFlask) -> None:
    _post()
    with transaction() as session:
        claim = claim_letter(session, NOW)
    assert claim
    relay = Relay()
    assert hand_over(relay, claim.message).result is Result.ACCEPTED
    assert b"Message-ID: <letter." in relay.taken[0][2]


def test_old_letters_are_forgotten_and_waiting_ones_kept(app: APIFlask) -> None:
    """TRUST L3: an address that nobody confirmed does not live on in the outbox."""
    sent, waiting = _post(NOW - timedelta(days=31)), _post(NOW - timedelta(days=31))
    with transaction() as session:
        settle(session, sent, Outcome(Result.ACCEPTED), NOW - timedelta(days=31))
        assert purge_letters(session, NOW) == 1
        assert session.scalars(select(Letter.id)).all() == [waiting]
