"""How a campaign goes: its progress, and the ledger line by line."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_timedelta, ngettext
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.campaigns.models import CampaignState, CrashPolicy
from app.campaigns.schedule import find
from app.db import reading, transaction, utc_now
from app.delivery.books import progress as progress_of
from app.delivery.books import troubles
from app.delivery.jobs import drain
from app.delivery.models import Delivery, DeliveryState
from app.delivery.settle import count_unknown_as_sent, send_unknown_again
from app.delivery.words import REASONS, STATES
from app.intake import whole
from app.queue import enqueue
from app.subscribers.models import Subscriber

blueprint = for_marketers("delivery", __name__, url_prefix="/campaigns/<int:campaign_id>")

_PER_PAGE = 100
_MOVING = (CampaignState.SENDING, CampaignState.HOLDING)


@blueprint.get("/progress")
def progress(campaign_id: int) -> str:
    """The books, the rate and the buttons: a fragment for htmx, a page for everybody else."""
    template = "progress" if "HX-Request" in request.headers else "progress_page"
    with reading() as session:
        return render_template(f"delivery/{template}.html", **_progress(session, campaign_id))


@blueprint.get("/deliveries")
def deliveries(campaign_id: int) -> str:
    """Who is in which state and why; `?state=` chooses, `?after=` goes on."""
    wanted = request.args.get("state", "")
    state = DeliveryState(wanted) if wanted in set(DeliveryState) else DeliveryState.SENT
    with reading() as session:
        campaign = find(session, campaign_id)
        after = request.args.get("after", 0, whole)
        rows = session.execute(_of_state(campaign_id, state, after).limit(_PER_PAGE + 1)).all()
        books = progress_of(session, campaign_id, utc_now()).books
    return render_template(
        "delivery/deliveries.html",
        campaign=campaign,
        state=state,
        rows=rows[:_PER_PAGE],
        after=rows[_PER_PAGE - 1].Delivery.subscriber_id if len(rows) > _PER_PAGE else None,
        books=books,
        may_resend=campaign.crash_policy is not CrashPolicy.NEVER,
        states=STATES,
        reasons=REASONS,
    )


@blueprint.post("/unknown/again")
def send_again(campaign_id: int) -> Response:
    """Send the mails of which nobody knows whether they arrived once more."""
    with transaction() as session:
        find(session, campaign_id)
        count = send_unknown_again(session, campaign_id, utc_now())
    enqueue(drain, campaign_id)
    flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", count), "success")
    return redirect(url_for(".deliveries", campaign_id=campaign_id, state=DeliveryState.QUEUED))


@blueprint.post("/unknown/sent")
def count_as_sent(campaign_id: int) -> Response:
    """Believe that they arrived."""
    with transaction() as session:
        find(session, campaign_id)
        count = count_unknown_as_sent(session, campaign_id, utc_now())
    flash(ngettext("%(num)s mail counts as sent.", "%(num)s mails count as sent.", count), "success")
    return redirect(url_for(".deliveries", campaign_id=campaign_id, state=DeliveryState.SENT))


def _progress(session: Session, campaign_id: int) -> dict[str, Any]:
    campaign = find(session, campaign_id)
    found = progress_of(session, campaign_id, utc_now())
    return {
        "campaign": campaign,
        "books": found.books,
        "per_second": found.per_second if campaign.state is CampaignState.SENDING else 0,
        "time_left": format_timedelta(found.time_left) if found.time_left else None,
        "troubles": troubles(session, campaign_id),
        "is_moving": campaign.state in _MOVING,
        "states": STATES,
        "reasons": REASONS,
        "title": _("Progress"),
    }


def _of_state(campaign_id: int, state: DeliveryState, after: int) -> Select[Delivery, str]:
    query = select(Delivery, Subscriber.email).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    wanted = (Delivery.campaign_id == campaign_id, Delivery.state == state, Delivery.subscriber_id > after)
    return query.where(*wanted).order_by(Delivery.subscriber_id)
