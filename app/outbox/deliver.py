"""Handing waiting letters to the relay: claim, send, settle, each in a transaction of its own.

A letter is claimed by putting off its next try, so two workers never send it at once, and one that dies leaves it to be
tried again. Letters are single mails that somebody waits for: better twice than never. Campaigns have a ledger
(`app.delivery`) instead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.signing import signer_for
from app.dkim import Signer
from app.mail import BadHeader, Message, to_bytes
from app.outbox.models import Letter, LetterState
from app.transport import MailObject, Outcome, Result, Transport

# Longer than the longest conversation with a relay: RFC 5321 §4.5.3.2.6 grants it ten minutes for its last word.
CLAIM = timedelta(minutes=15)
GIVE_UP = timedelta(hours=72)
LONGEST_PAUSE = timedelta(hours=2)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A letter that is ours to send until the claim runs out."""

    letter_id: int
    message: Message
    signer: Signer | None = None


def claim_letter(session: Session, now: datetime) -> Claim | None:
    """The letter that waits longest and is due, if any."""
    due = (Letter.state == LetterState.WAITING) & (Letter.next_try_at <= now)
    first = select(Letter.id).where(due).order_by(Letter.next_try_at, Letter.id).limit(1)
    first = first.with_for_update(skip_locked=True)
    values = {"next_try_at": now + CLAIM, "attempts": Letter.attempts + 1}
    claimed = update(Letter).where(Letter.id == first.scalar_subquery(), due).values(values).returning(Letter)
    letter = session.scalar(claimed)
    if letter is None:
        return None
    sender = session.get_one(Sender, letter.sender_id)
    return Claim(letter.id, _message(letter, sender), signer_for(session, sender))


def hand_over(transport: Transport, message: Message, signer: Signer | None = None) -> Outcome:
    """Sign and send it; what cannot be written as a mail has bounced before it left."""
    try:
        content = to_bytes(message)
    except BadHeader as error:
        return Outcome(Result.BOUNCED, text=str(error))
    if signer is not None:
        content = signer.header(content) + content
    return transport.send(MailObject(0, message.envelope_sender, message.recipient, content))


def settle(session: Session, letter_id: int, outcome: Outcome, now: datetime) -> None:
    """Write down what became of it, and when to try again."""
    letter = session.get_one(Letter, letter_id)
    letter.reply = " ".join(str(part) for part in (outcome.code, outcome.enhanced, outcome.text) if part) or None
    match outcome.result:
        case Result.ACCEPTED:
            letter.state, letter.sent_at = LetterState.SENT, now
        case Result.BOUNCED:
            letter.state = LetterState.FAILED
        case _ if now - letter.created_at >= GIVE_UP:
            letter.state = LetterState.FAILED
        case _:
            letter.next_try_at = now + min(timedelta(minutes=2 ** min(letter.attempts, 10)), LONGEST_PAUSE)


def purge_letters(session: Session, now: datetime) -> int:
    """Forget letters that have served; how many."""
    old = (Letter.state != LetterState.WAITING) & (Letter.created_at < now - KEPT)
    return session.execute(delete(Letter).where(old)).rowcount  # type: ignore[attr-defined, no-any-return]


def _message(letter: Letter, sender: Sender) -> Message:
    return Message(
        sender_name=sender.name,
        sender_address=sender.address,
        recipient=letter.recipient,
        envelope_sender=sender.address,
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        reply_to=sender.reply_to,
        message_id=letter.message_id,
        date=letter.created_at,
        headers=tuple(letter.headers.items()),
    )
