"""The campaign's pages: list, and one page in four steps that can be taken in any order (UI 7.3)."""

from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.accounts.models import Sender
from app.audiences.audience import breakdown
from app.audiences.models import Segment
from app.campaigns import drafts
from app.campaigns.forms import AudienceForm, ContentForm, NewForm
from app.campaigns.layouts import find_layout, layouts
from app.campaigns.merge_tags import MERGE_TAGS
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.preview import PRESETS, people_to_preview, preview_layout, problems
from app.campaigns.schedule import find
from app.db import reading, transaction, utc_now
from app.headers import as_mail
from app.i18n import language
from app.intake import whole
from app.subscribers.models import Topic
from app.undo import flash_undo

blueprint = for_marketers("campaigns", __name__, url_prefix="/campaigns")

_PER_PAGE = 50
_ON_ITS_WAY = (CampaignState.HOLDING, CampaignState.SENDING, CampaignState.PAUSED)


@blueprint.get("/")
def index() -> str:
    """All campaigns, newest first; `?state=` narrows."""
    state = request.args.get("state")
    page = max(request.args.get("page", 1, whole), 1)
    shown = select(Campaign).where(Campaign.archived_at.is_(None))
    if state in set(CampaignState):
        shown = shown.where(Campaign.state == CampaignState(state))
    with reading() as session:
        total = session.scalar(select(func.count()).select_from(shown.subquery())) or 0
        newest = shown.order_by(Campaign.updated_at.desc(), Campaign.id.desc())
        rows = session.scalars(newest.limit(_PER_PAGE).offset((page - 1) * _PER_PAGE)).all()
    pages = -(-total // _PER_PAGE)
    return render_template("campaigns/list.html", campaigns=rows, state=state, page=page, pages=pages)


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> str | Response:
    """Begin a campaign from a layout."""
    form = NewForm(layout=layouts()[0].name)
    form.layout.choices = [offered.choice for offered in layouts()]
    if not form.validate_on_submit():
        return render_template("campaigns/new.html", form=form, layouts=layouts())
    with transaction() as session:
        campaign = drafts.create(session, form.name.data.strip(), find_layout(form.layout.data), utc_now())
    return redirect(url_for(".content", campaign_id=campaign.id))


@blueprint.get("/layouts/<name>")
def layout(name: str) -> Response:
    """A layout as a picture to choose by."""
    found = find_layout(name)
    if found is None:
        abort(404)
    with reading() as session:
        return as_mail(preview_layout(session, found.html, found.language))


@blueprint.get("/<int:campaign_id>/")
def show(campaign_id: int) -> Response:
    """The step that is next."""
    with reading() as session:
        campaign = find(session, campaign_id)
    step = "content" if campaign.state is CampaignState.DRAFT else "review"
    if campaign.state is CampaignState.SENT and "reports.campaign" in current_app.view_functions:
        return redirect(url_for("reports.campaign", campaign_id=campaign_id))
    return redirect(url_for(f".{step}", campaign_id=campaign_id))


@blueprint.route("/<int:campaign_id>/content", methods=["GET", "POST"])
def content(campaign_id: int) -> str | Response:
    """What it says. Autosave posts here too and gets the same page back."""
    with transaction() as session:
        campaign = find(session, campaign_id)
        form = ContentForm(obj=campaign)
        form.choose_from(_named(session, Sender))
        if form.validate_on_submit():
            form.revision.data = drafts.save(session, campaign_id, form.seen_revision, utc_now(), **form.values)
            form.revision.raw_data = None
            if "HX-Request" not in request.headers:
                flash(_("Saved."), "success")
                return redirect(url_for(".content", campaign_id=campaign_id))
        found = problems(campaign)
        marks = [{"line": problem.line, "message": problem.message(language())} for problem in found]
        return _page(
            campaign,
            "content",
            form=form,
            merge_tags=MERGE_TAGS,
            problems=found,
            marks=marks,
            presets=PRESETS,
            people=people_to_preview(session),
        )


@blueprint.route("/<int:campaign_id>/audience", methods=["GET", "POST"])
def audience(campaign_id: int) -> str | Response:
    """Whom it is for."""
    with transaction() as session:
        campaign = find(session, campaign_id)
        form = _audience_form(session, campaign)
        if form.validate_on_submit():
            drafts.choose_audience(session, campaign, form.included.data, form.excluded.data, form.topic_id.data)
            flash(_("Saved."), "success")
            return redirect(url_for("release.review", campaign_id=campaign_id))
        counts = breakdown(session, campaign.included, campaign.excluded, campaign.topic_id, utc_now())
        return _page(campaign, "audience", form=form, counts=counts)


@blueprint.post("/<int:campaign_id>/audience/count")
def count(campaign_id: int) -> str:
    """How many people the boxes ticked now mean: asked while they are being ticked."""
    with reading() as session:
        form = _audience_form(session, find(session, campaign_id))
        if not form.validate():
            abort(422)
        counts = breakdown(session, form.included.data, form.excluded.data, form.topic_id.data, utc_now())
    return render_template("campaigns/count.html", counts=counts)


@blueprint.post("/<int:campaign_id>/duplicate")
def duplicate(campaign_id: int) -> Response:
    """Another draft like it."""
    with transaction() as session:
        campaign = find(session, campaign_id)
        copy = drafts.duplicate(session, campaign, _("Copy of %(name)s", name=campaign.name)[:200], utc_now())
        return redirect(url_for(".content", campaign_id=copy.id))


@blueprint.post("/<int:campaign_id>/archive")
def archive(campaign_id: int) -> Response:
    """Put it away, with undo."""
    with transaction() as session:
        if drafts.archive(session, campaign_id, utc_now()):
            flash_undo(_("The campaign was put away."), url_for(".unarchive", campaign_id=campaign_id))
    return redirect(url_for(".index"))


@blueprint.post("/<int:campaign_id>/unarchive")
def unarchive(campaign_id: int) -> Response:
    """Bring it back."""
    with transaction() as session:
        drafts.unarchive(session, campaign_id)
    return redirect(url_for(".index"))


def _audience_form(session: Session, campaign: Campaign) -> AudienceForm:
    form = AudienceForm(included=campaign.included, excluded=campaign.excluded, topic_id=campaign.topic_id)
    chosen = campaign.included + campaign.excluded
    offered = select(Segment.id, Segment.name).where(Segment.archived_at.is_(None) | Segment.id.in_(chosen))
    form.choose_from(
        [(key, name) for key, name in session.execute(offered.order_by(Segment.name))], _named(session, Topic)
    )
    return form


def _named(session: Session, model: type[Sender] | type[Topic]) -> list[tuple[int, str]]:
    return [(key, name) for key, name in session.execute(select(model.id, model.name).order_by(model.id))]


def _page(campaign: Campaign, step: str, **values: Any) -> str:
    return render_template(f"campaigns/{step}.html", campaign=campaign, step=step, on_its_way=_ON_ITS_WAY, **values)
