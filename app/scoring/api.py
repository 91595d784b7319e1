"""Scores and tiers for machines: read the plan, change it."""

from typing import Any

from pydantic import BaseModel, Field

from app.accounts.access import for_machines
from app.db import reading, transaction, utc_now
from app.errors import NotFound
from app.queue import enqueue
from app.scoring.jobs import keep_scores
from app.scoring.plan import Plan, read_plan
from app.scoring.points import score_clocks
from app.scoring.preview import tier_sizes
from app.scoring.saving import current_plan, save_plan
from segments.tier import MARGIN_PERCENT

blueprint = for_machines("scoring_api", __name__)

_TAGS = ["Tiers and scores"]


class PlanOut(Plan):
    """The plan, how many active people are in each tier (in their order), and whether scores are being rebuilt."""

    people: list[int] = Field(examples=[[120, 40, 12, 3]])
    rebuilding: bool


class PlanIn(BaseModel):
    """A whole plan: what it does not mention scores nothing, or goes. Tiers are names of the first score."""

    scores: list[dict[str, Any]] = Field(
        examples=[
            [
                {
                    "id": 1,
                    "name": "Engagement",
                    "half_life_days": 180,
                    "rules": [
                        {"kind": "purchased", "points": "10", "per_amount": "10", "only": {"amount_at_least": "20"}},
                        {"kind": "clicked", "points": "3", "per_day": 5, "per_delivery": 1, "until": "2026-12-31"},
                    ],
                }
            ]
        ]
    )
    tiers: list[dict[str, Any]] = Field(
        examples=[[{"id": 1, "name": "New", "threshold": 0}, {"name": "Loyal", "threshold": 100}]]
    )
    margin_percent: int = Field(MARGIN_PERCENT, examples=[10])
    grace_days: int = Field(0, examples=[30])


@blueprint.get("/scoring")
@blueprint.output(PlanOut)
@blueprint.doc(summary="Get the scores, their rules and the tiers", tags=_TAGS)
def get_plan() -> dict[str, Any]:
    """What is in force, or will be after the rebuild that is waited for."""
    return _out()


@blueprint.put("/scoring")
@blueprint.input(PlanIn, arg_name="given")
@blueprint.output(PlanOut)
@blueprint.doc(summary="Replace the scores, their rules and the tiers", tags=_TAGS)
def put_plan(given: PlanIn) -> dict[str, Any]:
    """The past is scored anew in the background."""
    with transaction() as session:
        save_plan(session, read_plan(given.model_dump()), utc_now())
    enqueue(keep_scores)
    return _out()


def _out() -> dict[str, Any]:
    with reading() as session:
        plan = current_plan(session)
        if plan is None:
            raise NotFound("Finish the first-run setup first.")
        sizes = tier_sizes(session)
        people = [sizes.get(tier.id, 0) for tier in plan.tiers]
        waiting = any(clock.rebuild_wanted_at for clock in score_clocks(session))
        return {**plan.model_dump(mode="json"), "people": people, "rebuilding": waiting}
