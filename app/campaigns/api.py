"""Campaigns for machines: write, look, release, hold on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_machines
from app.campaigns import drafts, schedule
from app.campaigns.layouts import find_layout
from app.campaigns.models import Campaign
from app.campaigns.preflight import preflight
from app.campaigns.preview import Person, preview
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import RenderFailed
from app.campaigns.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPage,
    CampaignPatch,
    FindingOut,
    PageQuery,
    PreviewOut,
    PreviewQuery,
    ScheduleIn,
)
from app.db import reading, transaction, utc_now
from app.errors import Conflict, Invalid

blueprint = for_machines("campaigns_api", __name__)

_TAGS = ["Campaigns"]


@blueprint.get("/campaigns")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(CampaignPage)
@blueprint.doc(summary="List campaigns, oldest first", tags=_TAGS)
def list_campaigns(query: PageQuery) -> dict[str, Any]:
    """All campaigns that were not put away."""
    with reading() as session:
        found = select(Campaign).where(Campaign.id > (query.after or 0), Campaign.archived_at.is_(None))
        rows = session.scalars(found.order_by(Campaign.id).limit(query.limit + 1)).all()
        shown = rows[: query.limit]
        return {"items": [_out(row) for row in shown], "next": shown[-1].id if len(rows) > query.limit else None}


@blueprint.post("/campaigns")
@blueprint.input(CampaignIn, arg_name="given")
@blueprint.output(CampaignOut, status_code=201)
@blueprint.doc(summary="Create a draft", tags=_TAGS)
def create_campaign(given: CampaignIn) -> dict[str, Any]:
    """A new draft."""
    layout = find_layout(given.layout)
    if given.layout and not layout:
        raise Invalid(f"There is no layout {given.layout!r}.", {"layout": "is unknown"})
    values = given.model_dump(exclude={"name", "layout", "included", "excluded", "topic_id"}, exclude_none=True)
    with transaction() as session:
        campaign = drafts.create(session, given.name, layout, utc_now(), **values)
        drafts.choose_audience(session, campaign, given.included, given.excluded, given.topic_id)
        return _out(campaign)


@blueprint.get("/campaigns/<int:campaign_id>")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Get a campaign", tags=_TAGS)
def get_campaign(campaign_id: int) -> dict[str, Any]:
    """One campaign."""
    with reading() as session:
        return _out(schedule.find(session, campaign_id))


@blueprint.patch("/campaigns/<int:campaign_id>")
@blueprint.input(CampaignPatch, arg_name="given")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Change a draft", tags=_TAGS)
def change_campaign(campaign_id: int, given: CampaignPatch) -> dict[str, Any]:
    """Only a draft, and only from its last revision."""
    values = given.model_dump(exclude={"revision"}, exclude_unset=True)
    with transaction() as session:
        schedule.find(session, campaign_id)
        drafts.save(session, campaign_id, given.revision, utc_now(), **values)
        return _out(schedule.find(session, campaign_id))


@blueprint.get("/campaigns/<int:campaign_id>/preview")
@blueprint.input(PreviewQuery, location="query", arg_name="query")
@blueprint.output(PreviewOut)
@blueprint.doc(summary="See a campaign as somebody would get it", tags=_TAGS)
def preview_campaign(campaign_id: int, query: PreviewQuery) -> dict[str, Any]:
    """Direct links, nothing counted."""
    with reading() as session:
        try:
            rendered = preview(session, schedule.find(session, campaign_id), Person(query.seen_as))
        except TemplateInvalid as error:
            lines = {f"line {problem.line}": problem.message.en for problem in error.problems}
            raise Invalid("The template has errors.", lines) from error
        except RenderFailed as error:
            raise Invalid("The mail cannot be made.", {f"line {error.line}": error.message.en}) from error
    return {
        "subject": rendered.subject,
        "html": rendered.html,
        "text": rendered.text,
        "missing": sorted(rendered.missing),
    }


@blueprint.get("/campaigns/<int:campaign_id>/preflight")
@blueprint.output(list[FindingOut])  # type: ignore[arg-type]
@blueprint.doc(summary="What stands between a draft and its readers", tags=_TAGS)
def check_campaign(campaign_id: int) -> list[dict[str, Any]]:
    """The checklist."""
    with reading() as session:
        found = preflight(session, schedule.find(session, campaign_id), utc_now())
    return [{"level": one.level, "code": one.code, "message": one.label.en, "line": one.line} for one in found]


@blueprint.post("/campaigns/<int:campaign_id>/schedule")
@blueprint.input(ScheduleIn, arg_name="given")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Send now, or at a time", tags=_TAGS)
def schedule_campaign(campaign_id: int, given: ScheduleIn) -> dict[str, Any]:
    """Refused with the list of blockers while there are any."""
    if given.at and given.at.tzinfo is None:
        raise Invalid("Give the time with its zone.", {"at": "needs a zone, such as +01:00"})
    with transaction() as session:
        if given.at:
            schedule.schedule(session, campaign_id, given.at, utc_now())
        else:
            schedule.send_now(session, campaign_id, utc_now())
        return _out(schedule.find(session, campaign_id))


@blueprint.post("/campaigns/<int:campaign_id>/undo")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Back to the draft, before anything was sent", tags=_TAGS)
def undo_campaign(campaign_id: int) -> dict[str, Any]:
    """Conflict once it is being sent."""
    return _moved(campaign_id, schedule.undo, "It is being sent already, or is no released campaign.")


@blueprint.post("/campaigns/<int:campaign_id>/pause")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Hold on", tags=_TAGS)
def pause_campaign(campaign_id: int) -> dict[str, Any]:
    """Conflict unless it is being sent."""
    return _moved(campaign_id, schedule.pause, "It is not being sent.")


@blueprint.post("/campaigns/<int:campaign_id>/resume")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Go on after a pause", tags=_TAGS)
def resume_campaign(campaign_id: int) -> dict[str, Any]:
    """Conflict unless it is paused."""
    return _moved(campaign_id, schedule.resume, "It is not paused.")


@blueprint.post("/campaigns/<int:campaign_id>/cancel")
@blueprint.output(CampaignOut)
@blueprint.doc(summary="Never send the rest", tags=_TAGS)
def cancel_campaign(campaign_id: int) -> dict[str, Any]:
    """Conflict unless it was released and is not finished."""
    return _moved(campaign_id, schedule.cancel, "There is nothing left to cancel.")


def _moved(campaign_id: int, step: Callable[[Session, int, datetime], bool], refusal: str) -> dict[str, Any]:
    with transaction() as session:
        schedule.find(session, campaign_id)
        if not step(session, campaign_id, utc_now()):
            raise Conflict(refusal)
        return _out(schedule.find(session, campaign_id))


def _out(campaign: Campaign) -> dict[str, Any]:
    return CampaignOut.model_validate(campaign).model_dump(mode="json")
