"""Scores once more, over plain dicts and one event at a time: the oracle that stored sums are compared with.

Written from docs/events.md, without looking at `app.scoring`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from segments.score import Decay

Happened = Mapping[str, Any]


def total(rules: Sequence[Mapping[str, Any]], events: Iterable[Happened], decay: Decay) -> int:
    """The stored sum of one person: `rules` as in the JSON of a plan, events as dicts with whole seconds in `at`."""
    days = ((event["at"] // 86_400, worth) for event, worth in _counted(rules, events))
    return sum(worth * decay.factor(min(day, decay.last_day)) for day, worth in days)


def earned(rules: Sequence[Mapping[str, Any]], events: Iterable[Happened], since: int | None, until: int | None) -> int:
    """Hundredths of points in [since, until), whole seconds."""
    first, end = -(10**12) if since is None else since, 10**12 if until is None else until
    return sum(worth for event, worth in _counted(rules, events) if first <= event["at"] < end)


def _counted(rules: Sequence[Mapping[str, Any]], events: Iterable[Happened]) -> Iterator[tuple[Happened, int]]:
    mine = sorted(events, key=lambda each: (each["at"], each["value"] or 0, each["campaign"] or 0))
    for rule in rules:
        yield from _by_rule(rule, mine)


def _by_rule(rule: Mapping[str, Any], events: Sequence[Happened]) -> Iterator[tuple[Happened, int]]:
    in_day: dict[int, int] = defaultdict(int)
    in_mail: dict[int, int] = defaultdict(int)
    for event in events:
        if not _is_about(rule, event):
            continue
        day = event["at"] // 86_400
        in_day[day] += 1
        in_mail[event["campaign"] or 0] += 1
        if in_day[day] > rule.get("per_day", 10**9):
            continue
        if event["campaign"] and in_mail[event["campaign"]] > rule.get("per_delivery", 10**9):
            continue
        yield event, _worth(rule, event)


def _is_about(rule: Mapping[str, Any], event: Happened) -> bool:
    readers = {None, "human"} if rule["kind"] == "clicked" else {None, "human", "proxy"}
    day = event["at"] // 86_400
    only = rule.get("only", {})
    return (
        event["kind"] == rule["kind"]
        and event["verdict"] in readers
        and rule.get("since", -(10**9)) <= day <= rule.get("until", 10**9)
        and abs(event["value"] or 0) >= int(only.get("amount_at_least", 0)) * 100
        and ("product" not in only or str(event["product"]) == only["product"])
        and ("campaign" not in only or str(event["campaign"]) == only["campaign"])
        and ("link" not in only or only["link"].lower() in (event["target"] or "").lower())
    )


def _worth(rule: Mapping[str, Any], event: Happened) -> int:
    amount = event["value"] or 0
    points: int = rule["points"] * 100
    if "per_amount" in rule:
        points += abs(amount) * 100 // (rule["per_amount"] * 100)
    return -points if amount < 0 else points
