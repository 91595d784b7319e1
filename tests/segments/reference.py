"""What a rule means, over plain dicts: the oracle that SQL is compared with.

Written without looking at `segments.where`: people one by one, days one by one.
"""

import unicodedata
from calendar import isleap
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from segments.rule import All, Condition, Not, Rule
from segments.rule import Any as AnyOf


def holds(rule: Rule, one: dict[str, Any], now: datetime, timezone: ZoneInfo) -> bool:
    match rule:
        case All(rules):
            return all(holds(each, one, now, timezone) for each in rules)
        case AnyOf(rules):
            return any(holds(each, one, now, timezone) for each in rules)
        case Not(inner):
            return not holds(inner, one, now, timezone)
        case Condition(field, operator, wanted):
            kind = "tags" if field == "tags" else "clicks" if field == "clicked" else field
            return KINDS[field](operator, wanted, one[kind], now, timezone)


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower().replace("ς", "σ")


def text(operator: str, wanted: Any, has: str | None, *_: Any) -> bool:
    if operator in {"is_empty", "is_filled"}:
        return (not has) == (operator == "is_empty")
    if operator == "is_not":
        return has is None or fold(has) != fold(wanted)
    if has is None:
        return False
    if operator == "is_any_of":
        return fold(has) in [fold(each) for each in wanted]
    tests = {
        "is": str.__eq__,
        "contains": str.__contains__,
        "starts_with": str.startswith,
        "ends_with": str.endswith,
    }
    return bool(tests[operator](fold(has), fold(wanted)))


def choice(operator: str, wanted: Any, has: str | int | None, *_: Any) -> bool:
    key = None if has is None else str(has)
    match operator:
        case "is_empty":
            return not key
        case "is_filled":
            return bool(key)
        case "is":
            return key == str(wanted)
        case "is_not":
            return key != str(wanted)
        case "is_any_of":
            return key in wanted
        case _:
            return key not in wanted


def number(operator: str, wanted: Any, has: Any, *_: Any) -> bool:
    match operator:
        case "is_empty":
            return has is None
        case "is_filled":
            return has is not None
        case "not_equals":
            return has is None or Decimal(str(has)) != Decimal(str(wanted))
    if has is None:
        return False
    value = Decimal(str(has))
    if operator == "between":
        return Decimal(str(wanted[0])) <= value <= Decimal(str(wanted[1]))
    limit = Decimal(str(wanted))
    return {
        "equals": value == limit,
        "more_than": value > limit,
        "at_least": value >= limit,
        "less_than": value < limit,
        "at_most": value <= limit,
    }[operator]


def money(operator: str, wanted: Any, has: int | None, *rest: Any) -> bool:
    return number(operator, wanted, None if has is None else Decimal(has) / 100, *rest)


def day(operator: str, wanted: Any, has: date | None, now: datetime, timezone: ZoneInfo) -> bool:
    today = now.astimezone(timezone).date()
    match operator:
        case "is_empty":
            return has is None
        case "is_filled":
            return has is not None
        case "not_within_days":
            return has is None or has < today - timedelta(days=wanted) or has > today
    if has is None:
        return False
    match operator:
        case "before":
            return has < date.fromisoformat(wanted)
        case "after":
            return has > date.fromisoformat(wanted)
        case "on":
            return has == date.fromisoformat(wanted)
        case "between":
            return date.fromisoformat(wanted[0]) <= has <= date.fromisoformat(wanted[1])
        case "within_days":
            return bool(0 <= (today - has).days <= wanted)
        case _:
            return bool(0 <= (has - today).days <= wanted)


def moment(operator: str, wanted: Any, has: datetime | None, now: datetime, timezone: ZoneInfo) -> bool:
    return day(operator, wanted, has and has.astimezone(timezone).date(), now, timezone)


def flag(operator: str, wanted: Any, has: bool | None, *_: Any) -> bool:
    return (has is True) == (operator == "is_true")


def tags(operator: str, wanted: list[str], has: list[str], *_: Any) -> bool:
    shared = set(wanted) & set(has)
    return {"has_any": bool(shared), "has_none": not shared, "has_all": shared == set(wanted)}[operator]


def birthday(operator: str, wanted: Any, has: int | None, now: datetime, timezone: ZoneInfo) -> bool:
    if operator in {"is_empty", "is_filled"}:
        return (has is None) == (operator == "is_empty")
    if has is None:
        return False
    if operator == "in_month":
        return bool(has // 100 == wanted)
    today = now.astimezone(timezone).date()
    days = 0 if operator == "today" else wanted
    return any(celebrates(has, today + timedelta(days=each)) for each in range(days + 1))


def celebrates(birthday: int, on: date) -> bool:
    if birthday == 229 and not isleap(on.year):
        birthday = 228
    return (on.month, on.day) == divmod(birthday, 100)


def clicked(
    operator: str, wanted: dict[str, Any], has: list[tuple[datetime, int]], now: datetime, timezone: ZoneInfo
) -> bool:
    count = 0
    for at, campaign in has:
        days = (now.astimezone(timezone).date() - at.astimezone(timezone).date()).days
        recent = wanted.get("days") is None or days <= wanted["days"]
        count += recent and wanted.get("campaign") in {None, campaign}
    enough: bool = count >= wanted.get("at_least", 1)
    return enough == (operator == "happened")


KINDS = {
    "name": text,
    "country": choice,
    "tier": choice,
    "orders": number,
    "weight": number,
    "spent": money,
    "since": day,
    "ends": day,
    "clicked_at": moment,
    "vip": flag,
    "birthday": birthday,
    "tags": tags,
    "clicked": clicked,
}
