"""The whole of what marketers decide about scores: named scores with their rules, tiers, and how people fall.

In charge of the shape, one for the page and the API: read and checked. Not of putting it in force (`saving.py`).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from flask_babel import gettext as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import Invalid
from app.feature import EventKind, Measure, house
from app.scoring.models import MAIN, ScoreRule
from segments.score import HUNDREDTHS
from segments.tier import MARGIN_PERCENT, MOST_GRACE, MOST_MARGIN

MAX_TIERS = 12
MAX_SCORES = 8
MAX_RULES = 40
COLOURS = ("secondary", "azure", "teal", "orange", "purple", "green", "red", "blue")
_EPOCH = date(1970, 1, 1)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise ValueError(_("It needs a name."))
    return name


Name = Annotated[str, Field(max_length=60), AfterValidator(_name)]


class RulePlan(BaseModel):
    """Points for an event of a kind, and one more for every so many whole currency units.

    `only` has conditions by name, all of which must hold; days are UTC days, both included; of the events that match,
    the first `per_day` of a day and the first `per_delivery` of a mail count.
    """

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(max_length=40, examples=["purchased"])
    points: Decimal = Field(ge=-10_000, le=10_000, decimal_places=2, examples=["10"])
    per_amount: Decimal | None = Field(None, gt=0, le=1_000_000, decimal_places=2, examples=["10"])
    only: dict[str, str] = Field({}, max_length=10, examples=[{"amount_at_least": "50"}])
    per_day: int | None = Field(None, ge=1, le=1000, examples=[3])
    per_delivery: int | None = Field(None, ge=1, le=1000, examples=[1])
    since: date | None = Field(None, ge=date(2000, 1, 1), le=date(2200, 1, 1), examples=["2026-12-01"])
    until: date | None = Field(None, ge=date(2000, 1, 1), le=date(2200, 1, 1), examples=["2026-12-24"])

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        kinds = {kind.name: kind for kind in scorable_kinds()}
        if self.kind not in kinds:
            raise ValueError(_("“%(kind)s” cannot be scored.", kind=self.kind))
        if self.per_amount and kinds[self.kind].measure is not Measure.MONEY:
            raise ValueError(_("“%(kind)s” carries no money.", kind=self.kind))
        if self.since and self.until and self.since > self.until:
            raise ValueError(_("A rule ends before it begins."))
        self.only = {name: self._condition(name, value) for name, value in sorted(self.only.items())}
        return self

    def _condition(self, name: str, value: str) -> str:
        known = house().score_conditions.get(name)
        if known is None or self.kind not in known.kinds:
            raise ValueError(_("“%(name)s” cannot be asked of this kind of event.", name=name))
        return known.read(value)

    def row(self, clock_id: int) -> ScoreRule:
        """The rule in hundredths, minor units and days since 1970, not yet in any session."""
        return ScoreRule(
            clock_id=clock_id,
            kind=self.kind,
            points=int(self.points * HUNDREDTHS),
            per_amount=None if self.per_amount is None else int(self.per_amount * HUNDREDTHS),
            conditions=self.only,
            first_day=self.since and (self.since - _EPOCH).days,
            last_day=self.until and (self.until - _EPOCH).days,
            per_day=self.per_day,
            per_delivery=self.per_delivery,
        )

    @classmethod
    def of(cls, row: ScoreRule) -> "RulePlan":
        """The inverse of `row`."""
        return cls.model_construct(
            kind=row.kind,
            points=Decimal(row.points) / HUNDREDTHS,
            per_amount=None if row.per_amount is None else Decimal(row.per_amount) / HUNDREDTHS,
            only=dict(row.conditions or {}),
            per_day=row.per_day,
            per_delivery=row.per_delivery,
            since=None if row.first_day is None else _EPOCH + timedelta(row.first_day),
            until=None if row.last_day is None else _EPOCH + timedelta(row.last_day),
        )


class ScorePlan(BaseModel):
    """A named score; without `id` it is a new one. The half-life is in days."""

    model_config = ConfigDict(extra="forbid")
    id: int | None = Field(None, ge=1, le=32_000, examples=[MAIN])
    name: Name = Field(examples=["Engagement"])
    half_life_days: int = Field(ge=1, le=3650, examples=[180])
    rules: list[RulePlan] = Field(max_length=MAX_RULES)


class TierPlan(BaseModel):
    """A tier; without `id` it is a new one."""

    model_config = ConfigDict(extra="forbid")
    id: int | None = Field(None, ge=1, le=2**53, examples=[1])
    name: Name = Field(examples=["Loyal"])
    threshold: int = Field(ge=0, le=1_000_000, examples=[100])
    colour: str = Field("blue", pattern="^[a-z]{1,20}$", examples=["orange"])


class Plan(BaseModel):
    """Everything together. Tiers are names of the first score; kinds that no rule mentions score nothing."""

    model_config = ConfigDict(extra="forbid")
    scores: list[ScorePlan] = Field(min_length=1, max_length=MAX_SCORES)
    tiers: list[TierPlan] = Field(min_length=1, max_length=MAX_TIERS)
    margin_percent: int = Field(MARGIN_PERCENT, ge=0, le=MOST_MARGIN, examples=[10])
    grace_days: int = Field(0, ge=0, le=MOST_GRACE, examples=[30])

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        self.tiers.sort(key=lambda tier: tier.threshold)
        _all_different([score.name.casefold() for score in self.scores], _("Two scores have the same name."))
        _all_different([score.id for score in self.scores if score.id], _("A score is there twice."))
        _all_different([tier.name.casefold() for tier in self.tiers], _("Two tiers have the same name."))
        _all_different([tier.threshold for tier in self.tiers], _("Two tiers begin at the same points."))
        _all_different([tier.id for tier in self.tiers if tier.id], _("A tier is there twice."))
        if self.tiers[0].threshold:
            raise ValueError(_("The first tier begins at 0 points: everybody is in one."))
        if self.scores[0].id not in {None, MAIN} or any(score.id == MAIN for score in self.scores[1:]):
            raise ValueError(_("The first score is the one that tiers are names of: it stays the first."))
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
        "name": _("Name"),
        "per_day": _("Most per day"),
        "per_delivery": _("Most per mail"),
        "since": _("First day"),
        "until": _("Last day"),
        "margin_percent": _("Margin in percent"),
        "grace_days": _("Grace in days"),
    }
    last = next((str(each) for each in reversed(error["loc"]) if str(each) in names), str(error["loc"][-1:] or ""))
    wanted = said[0] if said else _("this is missing, too long, or no number as expected")
    return f"{names.get(last, last)}: {wanted}"


def worth(score: ScorePlan) -> list[tuple[Any, ...]]:
    """The rules as values that are alike when they give everybody the same points."""
    rows = [rule.row(0) for rule in score.rules if rule.points or rule.per_amount]
    return sorted(
        (
            row.kind,
            row.points,
            *(-1 if each is None else each for each in (row.per_amount, row.first_day, row.last_day)),
            *(-1 if each is None else each for each in (row.per_day, row.per_delivery)),
            tuple(sorted(row.conditions.items())),
        )
        for row in rows
    )
