"""The last step: checklist, test mail, send now or later, and the buttons while it is under way."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_security import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from app.accounts.access import for_marketers
from app.accounts.models import Sender
from app.accounts.organisation import time_zone
from app.audiences.audience import breakdown
from app.campaigns import drafts, schedule
from app.campaigns.forms import ScheduleForm, SendForm, TestSendForm
from app.campaigns.lint import Level
from app.campaigns.models import CampaignState
from app.campaigns.preflight import preflight
from app.campaigns.preview import PRESETS, Person, people_to_preview, preview
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import RenderFailed
from app.campaigns.testing import send_test
from app.db import reading, transaction, utc_now
from app.headers import as_mail
from app.outbox.jobs import deliver
from app.queue import enqueue
from app.undo import flash_undo

blueprint = for_marketers("release", __name__, url_prefix="/campaigns/<int:campaign_id>")


@blueprint.get("/review")
def review(campaign_id: int) -> str:
    """Everything that matters before the button, and everything that happens after it."""
    with reading() as session:
        campaign = schedule.find(session, campaign_id)
        is_draft = campaign.state is CampaignState.DRAFT
        return render_template(
            "campaigns/review.html",
            step="review",
            campaign=campaign,
            sender=session.get_one(Sender, campaign.sender_id),
            counts=breakdown(session, campaign.included, campaign.excluded, campaign.topic_id, utc_now()),
            findings=preflight(session, campaign, utc_now()) if is_draft else (),
            levels=Level,
            zone=time_zone(session),
            test_form=TestSendForm(recipient=current_user.email),
            send_form=SendForm(crash_policy=campaign.crash_policy.value),
            schedule_form=ScheduleForm(),
            presets=PRESETS,
            people=people_to_preview(session),
            has_progress="delivery.progress" in current_app.view_functions,
        )


@blueprint.get("/preview")
def show_preview(campaign_id: int) -> Response:
    """The mail as `?as=` (a preset or a subscriber) would get it; `?part=text` is its text part."""
    with reading() as session:
        campaign = schedule.find(session, campaign_id)
        try:
            rendered = preview(session, campaign, Person(request.args.get("as", "german")))
        except (TemplateInvalid, RenderFailed) as error:
            return as_mail(render_template("campaigns/no_preview.html", error=error))
    if request.args.get("part") == "text":
        return as_mail(render_template("campaigns/text_preview.html", text=rendered.text))
    return as_mail(rendered.html)


@blueprint.get("/people")
def people(campaign_id: int) -> str:
    """Whom a preview can speak to: asked while a name is being typed."""
    with reading() as session:
        schedule.find(session, campaign_id)
        return render_template("campaigns/people.html", people=people_to_preview(session, request.args.get("q", "")))


@blueprint.post("/test")
def test(campaign_id: int) -> Response:
    """One mail to a colleague, personalised as somebody, never counted."""
    form = TestSendForm()
    if not form.validate():
        flash(" ".join(str(text) for texts in form.errors.values() for text in texts), "error")
        return _back(campaign_id)
    with transaction() as session:
        campaign = schedule.find(session, campaign_id)
        try:
            send_test(session, campaign, form.recipient.data, Person(form.seen_as.data or "german"), utc_now())
            flash(_("The test mail is on its way to %(address)s.", address=form.recipient.data), "success")
        except (TemplateInvalid, RenderFailed):
            flash(_("The mail cannot be made yet: see the checklist."), "error")
    enqueue(deliver)
    return _back(campaign_id)


@blueprint.post("/send")
def send(campaign_id: int) -> Response:
    """Send now, after the undo window."""
    form = SendForm()
    with transaction() as session:
        _keep_policy(session, campaign_id, form)
        schedule.send_now(session, campaign_id, utc_now())
    flash_undo(_("Your campaign is about to go out."), url_for(".undo", campaign_id=campaign_id))
    return _back(campaign_id)


@blueprint.post("/schedule")
def schedule_at(campaign_id: int) -> Response:
    """Send at a time to come."""
    form, policy = ScheduleForm(), SendForm()
    if not form.validate():
        flash(_("Choose a date and a time."), "error")
        return _back(campaign_id)
    with transaction() as session:
        try:
            at = form.moment(time_zone(session))
        except ValidationError as error:
            flash(str(error), "error")
            return _back(campaign_id)
        _keep_policy(session, campaign_id, policy)
        schedule.schedule(session, campaign_id, at, utc_now())
    flash_undo(_("Scheduled for %(time)s.", time=format_datetime(at)), url_for(".undo", campaign_id=campaign_id))
    return _back(campaign_id)


@blueprint.post("/undo")
def undo(campaign_id: int) -> Response:
    """Back to the draft, as long as nothing has been sent."""
    with transaction() as session:
        undone = schedule.undo(session, campaign_id, utc_now())
    flash(_("It is a draft again. Nothing was sent.") if undone else _("Too late: it is being sent already."), "info")
    return _back(campaign_id)


@blueprint.post("/pause")
def pause(campaign_id: int) -> Response:
    """Hold on."""
    with transaction() as session:
        schedule.pause(session, campaign_id, utc_now(), _("Paused by %(name)s", name=current_user.email))
    return _back(campaign_id)


@blueprint.post("/resume")
def resume(campaign_id: int) -> Response:
    """Go on."""
    with transaction() as session:
        schedule.resume(session, campaign_id, utc_now())
    return _back(campaign_id)


@blueprint.post("/cancel")
def cancel(campaign_id: int) -> Response:
    """Never send the rest."""
    with transaction() as session:
        schedule.cancel(session, campaign_id, utc_now())
    flash(_("Cancelled. What had not been sent will not be."), "info")
    return _back(campaign_id)


def _keep_policy(session: Session, campaign_id: int, form: SendForm) -> None:
    campaign = schedule.find(session, campaign_id)
    if form.validate() and form.crash_policy.data != campaign.crash_policy.value:
        drafts.save(session, campaign_id, campaign.revision, utc_now(), crash_policy=form.crash_policy.data)


def _back(campaign_id: int) -> Response:
    return redirect(url_for(".review", campaign_id=campaign_id))
