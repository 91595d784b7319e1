"""When the relay turns everybody away: wait, say so on the campaign's page, go on by itself, and pause after half an
hour.

No person is to blame, so no Delivery changes: the mails wait as queued.
"""

from datetime import datetime, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.organisation import organisation
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.schedule import pause
from app.db import Database
from app.delivery.shards import Claim, hold_back
from app.transport import Outcome

_SHORTEST, _LONGEST = timedelta(seconds=5), timedelta(minutes=2)
_PATIENCE = timedelta(minutes=30)


def wait_for_relay(database: Database, claimed: Claim, trouble: Outcome, now: datetime) -> None:
    """Leave the shard alone for a while that grows with the trouble."""
    lasted = now - (claimed.trouble_since or now)
    stretch = claimed.stretch
    with database.transaction() as session:
        if not hold_back(session, stretch, min(max(lasted / 2, _SHORTEST), _LONGEST)):
            return
        said = " ".join(filter(None, (str(trouble.code or ""), trouble.text)))
        if lasted >= _PATIENCE:
            pause(session, stretch.campaign_id, now, reason=_given_up(session, said))
        else:
            note_trouble(session, stretch.campaign_id, _waiting(session, said))


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


def _waiting(session: Session, said: str) -> str:
    with force_locale(own_locale(session)):
        return str(_("The mail server does not take mail at the moment; we keep trying. It says: %(said)s", said=said))


def _given_up(session: Session, said: str) -> str:
    with force_locale(own_locale(session)):
        text: str = _(
            "Paused: the mail server has not taken any mail for 30 minutes. It says: %(said)s. "
            "Resume when it works again; nobody has been left out.",
            said=said,
        )
        return text
