"""When nothing can go out: wait, say so on the campaign's page, go on by itself, and pause after half an hour.

The relay turns everybody away, or the journal cannot be written. No person is to blame, so no Delivery changes: the
mails wait as queued.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.schedule import pause
from app.delivery.shards import Claim, hold_back
from app.transport import Outcome

_SHORTEST, _LONGEST = timedelta(seconds=5), timedelta(minutes=2)
_PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What to say while we wait, and when we have given up; asked in the language of the house."""

    waiting: Callable[[], str]
    given_up: Callable[[], str]


def relay_trouble(outcome: Outcome) -> Trouble:
    """The relay takes no mail."""
    said = " ".join(filter(None, (str(outcome.code or ""), outcome.text)))
    return Trouble(
        lambda: _("The mail server does not take mail at the moment; we keep trying. It says: %(said)s", said=said),
        lambda: _(
            "Paused: the mail server has not taken any mail for 30 minutes. It says: %(said)s. "
            "Resume when it works again; nobody has been left out.",
            said=said,
        ),
    )


def journal_trouble(error: OSError) -> Trouble:
    """The journal of a sender cannot be written."""
    said = error.strerror or str(error)
    return Trouble(
        lambda: _(
            "A sender cannot write its journal, so it sends nothing; we keep trying. The system says: %(said)s. "
            "Make room on the disk of the worker.",
            said=said,
        ),
        lambda: _(
            "Paused: for 30 minutes a sender could not write its journal. The system says: %(said)s. "
            "Make room on the disk of the worker, then resume; nobody has been left out.",
            said=said,
        ),
    )


def wait(session: Session, claimed: Claim, trouble: Trouble, now: datetime) -> None:
    """Leave the shard alone for a while that grows with the trouble."""
    lasted = now - (claimed.trouble_since or now)
    stretch = claimed.stretch
    if not hold_back(session, stretch, min(max(lasted / 2, _SHORTEST), _LONGEST)):
        return
    with force_locale(own_locale(session)):
        if lasted >= _PATIENCE:
            pause(session, stretch.campaign_id, now, reason=str(trouble.given_up()))
        else:
            note_trouble(session, stretch.campaign_id, str(trouble.waiting()))


def note_trouble(session: Session, campaign_id: int, reason: str) -> None:
    """Show why a campaign that is being sent does not move."""
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.SENDING)
        .values(pause_reason=reason)
        .execution_options(synchronize_session=False)
    )


def own_locale(session: Session) -> str:
    """The language in which the house talks to its marketers when none is asking."""
    own = organisation(session)
    return own.locale if own else "en"
