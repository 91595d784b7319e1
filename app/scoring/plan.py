"""The whole of what marketers decide about scores: points per kind, half-life, tiers. Read, checked and put in force.

In charge of the shape (one for the page and the API) and of saving it. Not of: its effect on the past, which is
`rebuild.py`'s and `tiers.py`'s: the caller rings `jobs.keep_scores` once it has committed.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self, overload

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.feature import EventKind, house
from app.scoring.models import ScoreClock, ScoreRule, Tier
from app.scoring.points import score_clock
from app.scoring.rebuild import want_rebuild
from app.scoring.tiers import all_tiers, tier_sql
from app.subscribers.models import Standing
from segments.score import HUNDREDTHS, Decay, ScoringRule

MAX_TIERS = 12
COLOURS = ("secondary", "azure", "teal", "orange", "purple", "green", "red", "blue")


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise ValueError(_("Give the tier a name."))
    return name


class RulePlan(BaseModel):
    """Points for one kind of event, and one more for every so many whole currency units."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(max_length=40, examples=["purchased"])
    points: Decimal = Field(ge=-10_000, le=10_000, decimal_places=2, examples=["10"])
    per_amount: Decimal | None = Field(None, gt=0, le=1_000_000, decimal_places=2, examples=["10"])

    def rule(self) -> ScoringRule:
        """The rule in hundredths and minor units."""
        per_amount = None if self.per_amount is None else int(self.per_amount * HUNDREDTHS)
        return ScoringRule(self.kind, int(self.points * HUNDREDTHS), per_amount)


class TierPlan(BaseModel):
    """A tier; without `id` it is a new one."""

    model_config = ConfigDict(extra="forbid")
    id: int | None = Field(None, ge=1, le=2**53, examples=[1])
    name: Annotated[str, Field(max_length=60), AfterValidator(_name)] = Field(examples=["Loyal"])
    threshold: int = Field(ge=0, le=1_000_000, examples=[100])
    colour: str = Field("blue", pattern="^[a-z]{1,20}$", examples=["orange"])


class Plan(BaseModel):
    """Everything together; kinds that are not mentioned score nothing."""

    model_config = ConfigDict(extra="forbid")
    rules: list[RulePlan] = Field(max_length=100)
    half_life_days: int = Field(ge=1, le=3650, examples=[180])
    tiers: list[TierPlan] = Field(min_length=1, max_length=MAX_TIERS)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        self.tiers.sort(key=lambda tier: tier.threshold)
        known = {kind.name for kind in scorable_kinds()}
        if unknown := [rule.kind for rule in self.rules if rule.kind not in known]:
            raise ValueError(_("“%(kind)s” cannot be scored.", kind=unknown[0]))
        _all_different([rule.kind for rule in self.rules], _("Every kind has one rule."))
        _all_different([tier.name.casefold() for tier in self.tiers], _("Two tiers have the same name."))
        _all_different([tier.threshold for tier in self.tiers], _("Two tiers begin at the same points."))
        _all_different([tier.id for tier in self.tiers if tier.id], _("A tier is there twice."))
        if self.tiers[0].threshold:
            raise ValueError(_("The first tier begins at 0 points: everybody is in one."))
        return self


def _all_different(values: list[Any], message: str) -> None:
    if len(set(values)) != len(values):
        raise ValueError(message)


def scorable_kinds() -> list[EventKind]:
    """The kinds that can be worth something, in the order of their codes."""
    return sorted((kind for kind in house().kinds.values() if kind.points is not None), key=lambda kind: kind.code)


def read_plan(data: Mapping[str, Any]) -> Plan:
    """The plan in decoded JSON; Invalid with all mistakes and their places."""
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        places = {".".join(map(str, each["loc"])): _message(each) for each in error.errors()}
        raise Invalid(next(iter(places.values())), places) from error


def _message(error: Any) -> str:
    """What pydantic found wrong, in the reader's language."""
    context = error.get("ctx", {})
    if isinstance(context.get("error"), ValueError):
        return str(context["error"])
    limits = {"ge": _("at least %(limit)s"), "gt": _("more than %(limit)s"), "le": _("at most %(limit)s")}
    said = [words % {"limit": context[name]} for name, words in limits.items() if name in context]
    names = {
        "points": _("Points"),
        "per_amount": _("Amount for one more point"),
        "half_life_days": _("Half-life in days"),
        "threshold": _("Where a tier begins"),
        "name": _("Name of a tier"),
    }
    wanted = said[0] if said else _("this is missing, too long, or no number as expected")
    return f"{names.get(str(error['loc'][-1]), error['loc'][-1])}: {wanted}"


def current_plan(session: Session) -> Plan | None:
    """What is in force, or will be after the next rebuild; None before the first-run setup."""
    clock = session.get(ScoreClock, 1)
    if clock is None:
        return None
    rules = [
        RulePlan(kind=row.kind, points=_whole(row.points), per_amount=_whole(row.per_amount))
        for row in session.scalars(select(ScoreRule).order_by(ScoreRule.kind))
        if row.kind in house().kinds
    ]
    tiers = [TierPlan.model_validate(tier, from_attributes=True) for tier in all_tiers(session)]
    return Plan(rules=rules, half_life_days=clock.wanted_half_life_days, tiers=tiers)


@overload
def _whole(hundredths: int) -> Decimal: ...
@overload
def _whole(hundredths: None) -> None: ...
def _whole(hundredths: int | None) -> Decimal | None:
    return None if hundredths is None else Decimal(hundredths) / HUNDREDTHS


def rescores(old: Plan, new: Plan) -> bool:
    """Whether the new plan gives the past other scores."""
    return old.half_life_days != new.half_life_days or _worth(old) != _worth(new)


def _worth(plan: Plan) -> set[ScoringRule]:
    return {rule.rule() for rule in plan.rules if rule.points or rule.per_amount}


def save_plan(session: Session, plan: Plan, now: datetime, *, taking_back: bool = False) -> Plan:
    """Put the plan in force and return the one before. Only `taking_back` may bring back tiers by their old id."""
    clock = score_clock(session, changing=True)
    before = current_plan(session)
    if clock is None or before is None:
        raise Invalid(_("Finish the first-run setup before you change scores."))
    if rescores(before, plan):
        session.execute(delete(ScoreRule))
        rules = [rule.rule() for rule in plan.rules]
        session.add_all(ScoreRule(kind=r.kind, points=r.points, per_amount=r.per_amount_minor) for r in rules)
        clock.wanted_half_life_days = plan.half_life_days
        want_rebuild(session, now)
    _save_tiers(session, plan, Decay(clock.half_life_days, clock.landmark_day), now, taking_back)
    return before


def _save_tiers(session: Session, plan: Plan, decay: Decay, now: datetime, taking_back: bool) -> None:
    existing = {tier.id: tier for tier in all_tiers(session)}
    for planned in plan.tiers:
        if planned.id and planned.id not in existing and not taking_back:
            raise Invalid(_("A tier has been removed by somebody else. Reload the page."))
    # Names are unique at every moment: two tiers may swap theirs only by way of others.
    for tier in existing.values():
        tier.name = f"\x1f{tier.id}"
    session.flush()
    for planned in plan.tiers:
        tier = existing.pop(planned.id) if planned.id in existing else Tier(id=planned.id)
        tier.name, tier.threshold, tier.colour = planned.name, planned.threshold, planned.colour
        session.add(tier)
    session.flush()
    if existing:
        _dissolve(session, list(existing), decay, now)


def _dissolve(session: Session, tier_ids: list[int], decay: Decay, now: datetime) -> None:
    """Give the people of removed tiers those that are left."""
    left = [tier for tier in all_tiers(session) if tier.id not in tier_ids]
    due = tier_sql(left, decay, now)
    moving = update(Standing).where(Standing.tier_id.in_(tier_ids)).values(tier_id=due, tier_since=now)
    session.execute(moving, execution_options={"synchronize_session": False})
    session.execute(delete(Tier).where(Tier.id.in_(tier_ids)))
