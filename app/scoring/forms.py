"""The form of the page "Tiers & scores" as the JSON of a plan, with whatever was typed: `plan.read_plan` judges it."""

import re
from collections.abc import Iterable
from typing import Any

from werkzeug.datastructures import MultiDict

from app.feature import house
from app.scoring.plan import COLOURS, MAX_RULES, MAX_SCORES, MAX_TIERS, scorable_kinds

Form = MultiDict[str, str]

_LIMITS = ("per_day", "per_delivery", "since", "until")


def plan_data(form: Form) -> dict[str, Any]:
    """The form's inputs; what is empty was not said."""
    return {
        "scores": [_score(form, f"score.{place}") for place in _places(form, r"score\.(\d{1,2})\.name")],
        "tiers": [_tier(form, f"tier.{place}") for place in _places(form, r"tier\.(\d{1,2})\.name")],
        "margin_percent": _typed(form, "margin_percent"),
        "grace_days": _typed(form, "grace_days"),
    }


def _places(form: Iterable[str], pattern: str) -> list[int]:
    return sorted({int(found[1]) for name in form if (found := re.fullmatch(pattern, name))})


def _typed(form: Form, name: str) -> str:
    return form.get(name, "").strip()


def _score(form: Form, at: str) -> dict[str, Any]:
    rules = _places(form, re.escape(at) + r"\.rule\.(\d{1,3})\.kind")
    return {
        "id": form.get(f"{at}.id") or None,
        "name": form.get(f"{at}.name", "")[:1000],
        "half_life_days": _typed(form, f"{at}.half_life_days"),
        "rules": [_rule(form, f"{at}.rule.{place}") for place in rules],
    }


def _rule(form: Form, at: str) -> dict[str, Any]:
    """Conditions that cannot be asked of the kind (any more: it was changed) fall away."""
    kind = _typed(form, f"{at}.kind")
    asked = {name: _typed(form, f"{at}.only.{name}") for name, each in conditions_of(kind)}
    rule: dict[str, Any] = {
        "kind": kind,
        "points": _typed(form, f"{at}.points").replace(",", "."),
        "per_amount": _typed(form, f"{at}.per_amount").replace(",", ".") or None,
        "only": {name: value for name, value in asked.items() if value},
    }
    return rule | {name: _typed(form, f"{at}.{name}") or None for name in _LIMITS}


def conditions_of(kind: str) -> list[tuple[str, Any]]:
    """What can be asked of events of this kind, by name."""
    return [(name, each) for name, each in house().score_conditions.items() if kind in each.kinds]


def _tier(form: Form, at: str) -> dict[str, Any]:
    return {
        "id": form.get(f"{at}.id") or None,
        "name": form.get(f"{at}.name", "")[:1000],
        "threshold": _typed(form, f"{at}.threshold"),
        "colour": form.get(f"{at}.colour", COLOURS[0]),
    }


def act(data: dict[str, Any], action: str) -> None:
    """Do what the button says (`tier:add`, `rule:remove:0:2`). Anything else only draws the form anew."""
    match [int(part) if part.isdecimal() else part for part in action.split(":")]:
        case ["tier", "add"]:
            tiers = data["tiers"]
            _add(tiers, MAX_TIERS, {"id": None, "name": "", "threshold": "", "colour": COLOURS[len(tiers) % 8]})
        case ["tier", "remove", int(place)]:
            _remove(data["tiers"], place)
        case ["score", "add"]:
            _add(data["scores"], MAX_SCORES, {"id": None, "name": "", "half_life_days": 365, "rules": [_new_rule()]})
        case ["score", "remove", int(place)] if place:
            _remove(data["scores"], place)
        case ["rule", "add", int(score)] if score < len(data["scores"]):
            _add(data["scores"][score]["rules"], MAX_RULES, _new_rule())
        case ["rule", "remove", int(score), int(place)] if score < len(data["scores"]):
            _remove(data["scores"][score]["rules"], place)


def _new_rule() -> dict[str, Any]:
    return {"kind": scorable_kinds()[-1].name, "points": "1", "only": {}}


def _add(rows: list[Any], most: int, row: dict[str, Any]) -> None:
    if len(rows) < most:
        rows.append(row)


def _remove(rows: list[Any], place: int) -> None:
    if place < len(rows):
        del rows[place]
