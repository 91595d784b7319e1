"""The form of the page "Tiers & scores" as the JSON of a plan, with whatever was typed: `plan.read_plan` judges it."""

import re
from typing import Any

from werkzeug.datastructures import MultiDict

from app.scoring.plan import COLOURS, MAX_TIERS, scorable_kinds

Form = MultiDict[str, str]


def plan_data(form: Form) -> dict[str, Any]:
    """The form's inputs; empty points are no rule, empty amounts no amount."""
    rules = []
    for kind in scorable_kinds():
        points, amount = (form.get(f"{what}.{kind.name}", "").strip().replace(",", ".") for what in ("points", "per"))
        if points:
            rules.append({"kind": kind.name, "points": points, "per_amount": amount or None})
    return {"rules": rules, "half_life_days": form.get("half_life_days", "").strip(), "tiers": _tiers(form)}


def _tiers(form: Form) -> list[dict[str, Any]]:
    places = sorted({int(found[1]) for name in form if (found := re.fullmatch(r"tier\.(\d{1,2})\.name", name))})
    return [
        {
            "id": form.get(f"tier.{place}.id") or None,
            "name": form.get(f"tier.{place}.name", "")[:1000],
            "threshold": form.get(f"tier.{place}.threshold", "").strip(),
            "colour": form.get(f"tier.{place}.colour", COLOURS[0]),
        }
        for place in places
    ]


def act(data: dict[str, Any], action: str) -> None:
    """Do what the button says: `add` a tier, or `remove:2`. Anything else only draws the form anew."""
    tiers = data["tiers"]
    verb, _colon, place = action.partition(":")
    if verb == "add" and len(tiers) < MAX_TIERS:
        tiers.append({"id": None, "name": "", "threshold": "", "colour": COLOURS[len(tiers) % len(COLOURS)]})
    elif verb == "remove" and place.isdecimal() and int(place) < len(tiers):
        del tiers[int(place)]
