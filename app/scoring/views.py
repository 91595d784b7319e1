"""The page "Tiers & scores": what engagement is worth, how it fades, which names it has, and what a change would do."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.db import reading, transaction, utc_now
from app.errors import Invalid, Refused
from app.i18n import language
from app.marks import mark_of
from app.queue import enqueue
from app.scoring.forms import act, conditions_of, plan_data
from app.scoring.jobs import keep_scores
from app.scoring.plan import MAX_RULES, MAX_SCORES, MAX_TIERS, Plan, read_plan, scorable_kinds
from app.scoring.points import score_clocks
from app.scoring.preview import Preview, preview, tier_sizes
from app.scoring.saving import current_plan, save_plan
from app.scoring.tiers import tier_label
from app.scoring.words import condition_choices, says_rule
from app.subscribers.models import Standing
from app.undo import flash_undo
from segments.tier import MOST_GRACE, MOST_MARGIN

blueprint = for_marketers("scoring", __name__, url_prefix="/scoring")

# The plan before the last saved one waits here for "undo", with the mark of the one that was saved.
_BEFORE, _AFTER = "scoring_before", "scoring_after"
_MOST = {"scores": MAX_SCORES, "rules": MAX_RULES, "tiers": MAX_TIERS, "margin": MOST_MARGIN, "grace": MOST_GRACE}


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"tier_name": lambda name: tier_label(name)(language()), "says_rule": says_rule}


@blueprint.get("/")
def index() -> str:
    """The plan in force."""
    with reading() as session:
        plan = current_plan(session)
        return _page(session, plan.model_dump(mode="json") if plan else None)


@blueprint.post("/draft")
def draft() -> str:
    """A tier, a rule or a score more or less, nothing saved; or the preview, for those without scripts."""
    data = plan_data(request.form)
    act(data, request.form.get("action", ""))
    seen, refusal = _previewed(data)
    with reading() as session:
        return _page(session, data, seen=seen, refusal=refusal if request.form.get("action") == "preview" else None)


@blueprint.post("/preview")
def show_preview() -> str:
    """Who would change tier, while the form is being filled in; `all` asks everybody, however many there are."""
    seen, refusal = _previewed(plan_data(request.form), ask_all="all" in request.args)
    return render_template("scoring/_preview.html", seen=seen, refusal=refusal)


@blueprint.post("/")
def save() -> Response | tuple[str, int]:
    """Put the plan in force, for the past too; or show what is wrong with it."""
    data = plan_data(request.form)
    plan, refusal = _read(data)
    if plan is None:
        with reading() as session:
            return _page(session, data, refusal=refusal), 422
    refused = _put(plan, request.form.get("mark"))
    if refused is not None:
        with reading() as session:
            return _page(session, data, refusal=Invalid(refused.message), mark=_mark(session)), refused.status
    enqueue(keep_scores)
    flash_undo(_("Saved. Scores and tiers are being worked out anew."), url_for(".undo"))
    return redirect(url_for(".index"))


def _put(plan: Plan, seen: str | None, *, taking_back: bool = False) -> Refused | None:
    """Why not, if somebody else was faster: here the form, with all that was typed, is the answer."""
    try:
        with transaction() as session:
            before = save_plan(session, plan, utc_now(), taking_back=taking_back, seen=seen)
            after = _mark(session)
    except Refused as error:
        return error
    cookie[_BEFORE], cookie[_AFTER] = before.model_dump(mode="json"), after
    return None


def _mark(session: Session) -> str | None:
    plan = current_plan(session)
    return mark_of(plan.model_dump(mode="json")) if plan else None


@blueprint.post("/undo")
def undo() -> Response:
    """Back to the plan before, unless somebody has saved another one since."""
    before, after = cookie.pop(_BEFORE, None), cookie.pop(_AFTER, None)
    if before and _put(read_plan(before), after, taking_back=True):
        flash(_("Somebody else has changed scores or tiers since: nothing was taken back."), "warning")
    elif before:
        cookie.pop(_BEFORE)
        enqueue(keep_scores)
        flash(_("Everything is as it was before."), "success")
    return redirect(url_for(".index"))


@blueprint.get("/progress")
def progress() -> str:
    """How far the scores of the past are worked out; asked again and again while they are."""
    with reading() as session:
        plan, rebuilding = current_plan(session), _rebuilding(session)
        tiers = plan.tiers if plan else ()
        page = {"rebuilding": rebuilding, "tiers": tiers, "sizes": tier_sizes(session)}
        return render_template("scoring/_progress.html", was_asked=True, **page)


def _read(data: dict[str, Any]) -> tuple[Plan | None, Invalid | None]:
    """The plan, or what is wrong with it: here the form, with all that was typed, is the answer."""
    try:
        return read_plan(data), None
    except Invalid as error:
        return None, error


def _previewed(data: dict[str, Any], *, ask_all: bool = False) -> tuple[Preview | None, Invalid | None]:
    plan, refusal = _read(data)
    if plan is None:
        return None, refusal
    with reading() as session:
        return preview(session, plan, utc_now(), ask_all=ask_all), None


def _rebuilding(session: Session) -> dict[str, Any] | None:
    """Which scores wait for their rebuild, and how far the one under way is: the last id drafted, and the last."""
    waiting = [clock for clock in score_clocks(session) if clock.rebuild_wanted_at is not None]
    if not waiting:
        return None
    last = session.scalar(select(func.max(Standing.subscriber_id))) or 0
    done = max(clock.drafted_to or 0 for clock in waiting)
    return {"names": [clock.name for clock in waiting], "done": done, "total": last}


def _page(session: Session, data: dict[str, Any] | None, **shown: Any) -> str:
    shown.setdefault("mark", request.form.get("mark") or _mark(session))
    page = {"plan": data, "kinds": scorable_kinds(), "most": _MOST, "spoken": language, "conditions_of": conditions_of}
    return render_template(
        "scoring/index.html",
        **page,
        choices=condition_choices(session),
        sizes=tier_sizes(session),
        rebuilding=_rebuilding(session),
        **shown,
    )
