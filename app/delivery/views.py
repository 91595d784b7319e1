"""How a campaign goes: its progress, and the ledger line by line."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_timedelta, ngettext
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.campaigns.models import Again, CampaignState, CrashPolicy
from app.campaigns.schedule import find
from app.db import reading, transaction, utc_now
from app.delivery import again
from app.delivery.books import progress as progress_of
from app.delivery.jobs import drain
from app.delivery.models import Delivery, DeliveryState
from app.delivery.providers import troubles_by_provider
from app.delivery.settle import count_unknown_as_sent, send_unknown_again
from app.delivery.words import REASONS, STATES
from app.errors import NotFound
from app.intake import whole
from app.queue import enqueue
from app.subscribers.models import Subscriber
from app.undo import flash_undo

blueprint = for_marketers("delivery", __name__, url_prefix="/campaigns/<int:campaign_id>")

_PER_PAGE = 100
_MOVING = (CampaignState.SENDING, CampaignState.HOLDING)
_OVER = (CampaignState.SENT, CampaignState.CANCELLED)


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
        may_resend=campaign.crash_policy is not CrashPolicy.NEVER and campaign.state is not CampaignState.CANCELLED,
        states=STATES,
        reasons=REASONS,
    )


@blueprint.post("/unknown/again")
@blueprint.post("/unknown/<int:only>/again")
def send_again(campaign_id: int, only: int | None = None) -> Response:
    """Send the mails of which nobody knows whether they arrived once more, or the one to this subscriber."""
    with transaction() as session:
        find(session, campaign_id)
        count = send_unknown_again(session, campaign_id, utc_now(), only)
    enqueue(drain, campaign_id)
    flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", count), "success")
    return _unknown(campaign_id)


@blueprint.post("/unknown/sent")
@blueprint.post("/unknown/<int:only>/sent")
def count_as_sent(campaign_id: int, only: int | None = None) -> Response:
    """Believe that they arrived, or that the one to this subscriber did."""
    with transaction() as session:
        find(session, campaign_id)
        count = count_unknown_as_sent(session, campaign_id, utc_now(), only)
    flash(ngettext("%(num)s mail counts as sent.", "%(num)s mails count as sent.", count), "success")
    return _unknown(campaign_id)


@blueprint.post("/again/<whom>")
def resend(campaign_id: int, whom: str) -> Response:
    """Send a campaign that is over to those who did not get it, after the undo window."""
    if whom not in set(Again):
        raise NotFound("There is no such choice.")
    with transaction() as session:
        find(session, campaign_id)
        again.send_again(session, campaign_id, Again(whom), utc_now())
    flash_undo(_("Your campaign is about to go out once more."), url_for(".undo_resend", campaign_id=campaign_id))
    return _review(campaign_id)


@blueprint.post("/again/undo")
def undo_resend(campaign_id: int) -> Response:
    """Leave it as it is."""
    with transaction() as session:
        find(session, campaign_id)
        undone = again.undo_again(session, campaign_id)
    flash(_("Nothing was sent.") if undone else _("Too late: it is being sent already."), "info")
    return _review(campaign_id)


def _unknown(campaign_id: int) -> Response:
    return redirect(url_for(".deliveries", campaign_id=campaign_id, state=DeliveryState.UNKNOWN))


def _review(campaign_id: int) -> Response:
    return redirect(url_for("release.review", campaign_id=campaign_id))


def _progress(session: Session, campaign_id: int) -> dict[str, Any]:
    campaign = find(session, campaign_id)
    found = progress_of(session, campaign_id, utc_now())
    return {
        "campaign": campaign,
        "books": found.books,
        "per_second": found.per_second if campaign.state is CampaignState.SENDING else 0,
        "time_left": format_timedelta(found.time_left) if found.time_left else None,
        "providers": troubles_by_provider(session, campaign_id),
        "reachable": again.reachable(session, campaign_id) if campaign.state in _OVER else {},
        "is_moving": campaign.state in _MOVING or campaign.again_after is not None,
        "states": STATES,
        "reasons": REASONS,
        "title": _("Progress"),
    }


def _of_state(campaign_id: int, state: DeliveryState, after: int) -> Select[Delivery, str]:
    query = select(Delivery, Subscriber.email).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    wanted = (Delivery.campaign_id == campaign_id, Delivery.state == state, Delivery.subscriber_id > after)
    return query.where(*wanted).order_by(Delivery.subscriber_id)
