"""What a refusal means: for the mail, and only where it says so for the person (R5, R26).

Only a reply about the address itself takes somebody off the lists. Policy, spam and authentication (5.7.x) are the
sender's own trouble; a full mailbox passes. A bare 550 without a code of RFC 3463 says too little to judge a person by.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app.delivery.kinds import BOUNCED
from app.events.record import EventRow, happening, record
from app.subscribers.lifecycle import suppress
from app.subscribers.models import SuppressionReason
from app.transport import Outcome


class BounceClass(StrEnum):
    """Whose trouble it is."""

    HARD = "hard"
    MAILBOX = "mailbox"
    POLICY = "policy"
    OTHER = "other"


# RFC 3463 §3.2 and RFC 7505: no such mailbox or domain, moved without an address, takes no mail. 5.1.7 and 5.1.8 are
# of the sender's address.
_HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})


def bounce_class(outcome: Outcome) -> BounceClass:
    """What kind of refusal this is."""
    code = outcome.enhanced or ""
    if code in _HARD:
        return BounceClass.HARD
    if code.startswith("5.2."):
        return BounceClass.MAILBOX
    return BounceClass.POLICY if code.startswith("5.7.") else BounceClass.OTHER


def bounced(session: Session, campaign_id: int, refusals: Sequence[tuple[int, Outcome]], now: datetime) -> None:
    """Record the refusals of these subscribers, and never write again to addresses that do not exist."""
    for subscriber_id, outcome in sorted(refusals, key=lambda refusal: refusal[0]):
        if bounce_class(outcome) is BounceClass.HARD:
            suppress(session, subscriber_id, SuppressionReason.BOUNCED, now, campaign_id)
    record(session, [_happening(campaign_id, subscriber_id, outcome, now) for subscriber_id, outcome in refusals])


def _happening(campaign_id: int, subscriber_id: int, outcome: Outcome, now: datetime) -> EventRow:
    data = {"class": bounce_class(outcome), "code": outcome.code, "reply": outcome.text}
    return happening(BOUNCED, subscriber_id, now, campaign_id=campaign_id, data=data)
