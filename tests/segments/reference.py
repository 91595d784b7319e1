"""What a rule means, over plain dicts: the oracle that SQL is compared with.

Written without looking at `segments.where`: people one by one, days one by one.
"""

import hashlib
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
            return KINDS[field](operator, wanted, seen(field, one), now, timezone)


def seen(field: str, one: dict[str, Any]) -> Any:
    """What of a person the field is about."""
    whole: dict[str, Any] = {"tier_held": (one["tier"], one["tier_since"]), "sample": one["id"], "groups": one}
    kept = {"clicked": "clicks", "spent_in": "purchases", "average_in": "purchases"}
    return whole[field] if field in whole else one[kept.get(field, field)]


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
    if operator in {"is_empty", "is_filled"}:
        return (has is None) == (operator == "is_empty")
    match operator:
        case "older_than_days":
            return has is not None and (today - has).days > wanted
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
    if operator == "between":
        days = [f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 32)]
        first, last = (days.index(each) for each in wanted)
        window = days[first : last + 1] if first <= last else days[first:] + days[: last + 1]
        return f"{has // 100:02}-{has % 100:02}" in window
    today = now.astimezone(timezone).date()
    days = 0 if operator == "today" else wanted
    return any(celebrates(has, today + timedelta(days=each)) for each in range(days + 1))


def celebrates(birthday: int, on: date) -> bool:
    if birthday == 229 and not isleap(on.year):
        birthday = 228
    return (on.month, on.day) == divmod(birthday, 100)


def in_scope(at: datetime, wanted: dict[str, Any], now: datetime, timezone: ZoneInfo) -> bool:
    on = at.astimezone(timezone).date()
    days = (now.astimezone(timezone).date() - on).days
    return (
        (wanted.get("days") is None or days <= wanted["days"])
        and (wanted.get("since") is None or on.isoformat() >= wanted["since"])
        and (wanted.get("until") is None or on.isoformat() <= wanted["until"])
    )


def clicked(
    operator: str, wanted: dict[str, Any], has: list[tuple[datetime, int, str]], now: datetime, timezone: ZoneInfo
) -> bool:
    count = 0
    for at, campaign, link in has:
        right = wanted.get("campaign") in {None, campaign} and fold(wanted.get("link") or "") in fold(link)
        count += right and in_scope(at, wanted, now, timezone)
    enough: bool = count >= wanted.get("at_least", 1)
    return enough == (operator == "happened")


def bought(
    wanted: dict[str, Any], has: list[tuple[datetime, int, str | None]], now: datetime, timezone: ZoneInfo
) -> list[int]:
    right = [row for row in has if in_scope(row[0], wanted, now, timezone)]
    return [amount for _, amount, product in right if wanted.get("product") in {None, product}]


def spent_in(operator: str, wanted: dict[str, Any], has: Any, now: datetime, timezone: ZoneInfo) -> bool:
    return money(operator, wanted["amount"], sum(bought(wanted, has, now, timezone)))


def average_in(operator: str, wanted: dict[str, Any], has: Any, now: datetime, timezone: ZoneInfo) -> bool:
    amounts = bought(wanted, has, now, timezone)
    return bool(amounts) and number(operator, wanted["amount"], Decimal(sum(amounts)) / len(amounts) / 100)


def held(
    _: str, wanted: dict[str, Any], has: tuple[int | None, datetime | None], now: datetime, zone: ZoneInfo
) -> bool:
    tier, since = has
    if str(tier) != str(wanted["value"]) or since is None:
        return False
    return (now.astimezone(zone).date() - since.astimezone(zone).date()).days >= int(wanted["days"])


def sample(_: str, wanted: dict[str, Any], has: int, *__: Any) -> bool:
    """The same polynomial, evaluated power by power."""
    digest = hashlib.sha256(f"letterbond sample {wanted.get('seed', 1)}".encode()).digest()
    prime = 2**31 - 1
    a, b, c, d = (int.from_bytes(digest[at : at + 8], "big") for at in range(0, 32, 8))
    hashed = ((1 + a % (prime - 1)) * has**3 + b * has**2 + c * has + d) % prime
    return hashed < int(prime * (Decimal(str(wanted["percent"])) / 100))


def groups(operator: str, wanted: list[str], one: dict[str, Any], now: datetime, timezone: ZoneInfo) -> bool:
    def is_in(key: str) -> bool:
        german = one["country"] == "DE" and one["vip"] is True
        return {"1": german, "2": not german}.get(key, False)

    found = [is_in(key) for key in wanted]
    return {"has_any": any(found), "has_all": all(found), "has_none": not any(found)}[operator]


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
    "spent_in": spent_in,
    "average_in": average_in,
    "tier_held": held,
    "sample": sample,
    "groups": groups,
}
