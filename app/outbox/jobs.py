"""Sending the waiting letters, and forgetting the old ones."""

from flask import current_app

from app.db import transaction, utc_now
from app.outbox.deliver import claim_letter, hand_over, purge_letters, settle
from app.queue import job
from app.transport import Transport


@job("quick")
def deliver() -> None:
    """Send all letters that are due."""
    transport: Transport = current_app.extensions["letterbond.transport"]()
    try:
        while _deliver_one(transport):
            pass
    finally:
        transport.close()


@job("quick")
def purge() -> None:
    """Forget letters that have served."""
    with transaction() as session:
        purge_letters(session, utc_now())


def _deliver_one(transport: Transport) -> bool:
    with transaction() as session:
        claim = claim_letter(session, utc_now())
    if claim is None:
        return False
    outcome = hand_over(transport, claim.message, claim.signer)  # No transaction is open while SMTP talks.
    with transaction() as session:
        settle(session, claim.letter_id, outcome, utc_now())
    return True
