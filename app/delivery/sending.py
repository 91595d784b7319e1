"""The indicator at the top of every page: what is going out right now, and what keeps it from doing so."""

from flask import render_template
from sqlalchemy import select

from app.accounts.access import for_marketers
from app.campaigns.models import Campaign, CampaignState
from app.db import reading
from app.delivery.alarm import alarmed

blueprint = for_marketers("sending", __name__)

_MOVING = (CampaignState.HOLDING, CampaignState.SENDING, CampaignState.PAUSED)
_SHOWN = 3


@blueprint.get("/alarms")
def alarms() -> str:
    """A fragment for the overview: what keeps campaigns from going out, empty if nothing does."""
    with reading() as session:
        return render_template("delivery/alarms.html", campaigns=alarmed(session))


@blueprint.get("/sending")
def now() -> str:
    """A fragment, empty while nothing is on its way."""
    moving = select(Campaign).where(Campaign.state.in_(_MOVING)).order_by(Campaign.id.desc()).limit(_SHOWN)
    with reading() as session:
        return render_template("delivery/sending.html", campaigns=session.scalars(moving).all())
