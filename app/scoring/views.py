"""The page "Tiers & scores": what engagement is worth, how it fades, which names it has, and what a change would do."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.db import reading, transaction, utc_now
from app.errors import Invalid
from app.i18n import language
from app.queue import enqueue
from app.scoring.forms import act, plan_data
from app.scoring.jobs import keep_scores
from app.scoring.models import ScoreClock
from app.scoring.plan import MAX_TIERS, Plan, read_plan, scorable_kinds
from app.scoring.preview import Preview, preview, tier_sizes
from app.scoring.saving import current_plan, save_plan
from app.scoring.tiers import tier_label
from app.undo import flash_undo

blueprint = for_marketers("scoring", __name__, url_prefix="/scoring")

# The plan before the last saved one waits here for "undo".
_BEFORE = "scoring_before"


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"tier_name": lambda name: tier_label(name)(language())}


@blueprint.get("/")
def index() -> str:
    """The plan in force."""
    with reading() as session:
        plan = current_plan(session)
        return _page(session, plan.model_dump(mode="json") if plan else None)


@blueprint.post("/draft")
def draft() -> str:
    """A tier more or less, nothing saved; or the preview, for those without scripts."""
    data = plan_data(request.form)
    act(data, request.form.get("action", ""))
    seen, refusal = _previewed(data)
    with reading() as session:
        return _page(session, data, seen=seen, refusal=refusal if request.form.get("action") == "preview" else None)


@blueprint.post("/preview")
def show_preview() -> str:
    """How many would change tier, while the form is being filled in."""
    seen, refusal = _previewed(plan_data(request.form))
    return render_template("scoring/_preview.html", seen=seen, refusal=refusal)


@blueprint.post("/")
def save() -> Response | tuple[str, int]:
    """Put the plan in force, for the past too; or show what is wrong with it."""
    data = plan_data(request.form)
    plan, refusal = _read(data)
    if plan is None:
        with reading() as session:
            return _page(session, data, refusal=refusal), 422
    with transaction() as session:
        before = save_plan(session, plan, utc_now())
    cookie[_BEFORE] = before.model_dump(mode="json")
    enqueue(keep_scores)
    flash_undo(_("Saved. Scores and tiers are being worked out anew."), url_for(".undo"))
    return redirect(url_for(".index"))


@blueprint.post("/undo")
def undo() -> Response:
    """Back to the plan before."""
    before = cookie.pop(_BEFORE, None)
    if before:
        with transaction() as session:
            save_plan(session, read_plan(before), utc_now(), taking_back=True)
        enqueue(keep_scores)
        flash(_("Everything is as it was before."), "success")
    return redirect(url_for(".index"))


def _read(data: dict[str, Any]) -> tuple[Plan | None, Invalid | None]:
    """The plan, or what is wrong with it: here the form, with all that was typed, is the answer."""
    try:
        return read_plan(data), None
    except Invalid as error:
        return None, error


def _previewed(data: dict[str, Any]) -> tuple[Preview | None, Invalid | None]:
    plan, refusal = _read(data)
    if plan is None:
        return None, refusal
    with reading() as session:
        return preview(session, plan, utc_now()), None


def _page(session: Session, data: dict[str, Any] | None, **shown: Any) -> str:
    clock = session.get(ScoreClock, 1)
    rules = {rule["kind"]: rule for rule in data["rules"]} if data else {}
    page = {"plan": data, "rules": rules, "kinds": scorable_kinds(), "max_tiers": MAX_TIERS, "spoken": language}
    waiting = clock is not None and clock.rebuild_wanted_at is not None
    return render_template("scoring/index.html", **page, sizes=tier_sizes(session), waiting=waiting, **shown)
