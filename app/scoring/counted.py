"""Which events count for a rule, as SQL: those it is about, less what its caps leave out.

*Caps.* Of somebody's events that match the rule, numbered within their UTC day, the first `per_day` count; numbered
within their mail (campaign and person), the first `per_delivery`; with both, an event must be among the first of both.
Numbers follow time, then amount, then campaign. Events that are equal in all three lie in the same day and mail and are
worth the same, so it does not matter which of them came in first: scores depend on what happened alone, never on the
order in which it was written down.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from app.events.models import Event, Verdict
from app.scoring.points import Points, Rule, caused_by, day_sql

Truth = ColumnElement[bool]


def counted(rule: Rule, *among: Truth) -> "Select[int, int, int, int]":
    """SELECT event_id, subscriber_id, day and worth of each event that counts.

    `among` limits what is looked at; it must take in or leave out whole days of a person (where the rule caps days), or
    all her events (where it caps mails).
    """
    seen = select(
        Event.id.label("event_id"),
        Event.subscriber_id.label("subscriber_id"),
        day_sql().label("day"),
        rule.points_sql().label("worth"),
    ).where(*rule.matches_sql(), *among)
    if not rule.is_capped:
        return seen
    ranked = seen.add_columns(*_ranks(rule)).subquery()
    chosen = select(ranked.c.event_id, ranked.c.subscriber_id, ranked.c.day, ranked.c.worth)
    if rule.per_day is not None:
        chosen = chosen.where(ranked.c.in_day <= rule.per_day)
    if rule.per_delivery is not None:
        chosen = chosen.where(or_(ranked.c.campaign_id.is_(None), ranked.c.in_delivery <= rule.per_delivery))
    return chosen


def _ranks(rule: Rule) -> Iterable[ColumnElement[Any]]:
    campaign = func.coalesce(Event.campaign_id, 0)
    order = (Event.occurred_at, func.coalesce(Event.value, 0), campaign, Event.id)
    number = func.row_number()
    if rule.per_day is not None:
        yield number.over(partition_by=(Event.subscriber_id, day_sql()), order_by=order).label("in_day")
    if rule.per_delivery is not None:
        yield number.over(partition_by=(Event.subscriber_id, campaign), order_by=order).label("in_delivery")
        yield Event.campaign_id.label("campaign_id")


def uncapped_worth(points: Points) -> ColumnElement[int]:
    """What an Event is worth by all rules without caps together, for events that `uncapped_matches` lets through."""
    branches = []
    for code, rules in points.uncapped().items():
        branches.append((Event.kind == code, _together(rules)))
    return case(*branches, else_=0)


def _together(rules: Sequence[Rule]) -> ColumnElement[int]:
    """The sum over rules of one kind; where they agree on what matches, nothing is asked twice."""
    if len(rules) == 1:
        return rules[0].points_sql()
    each = [case((and_(*rule.matches_sql()), rule.points_sql()), else_=0) for rule in rules]
    return sum(each[1:], start=each[0])


def uncapped_matches(points: Points) -> Truth:
    """The condition over Event that any rule without caps is about it; kinds that count alike are asked together."""
    alike: dict[tuple[Verdict, ...], set[int]] = {}
    found: list[Truth] = []
    for rule in (rule for of_kind in points.uncapped().values() for rule in of_kind):
        if rule.is_always:
            alike.setdefault(rule.verdicts, set()).add(rule.code)
        else:
            found.append(and_(*rule.matches_sql()))
    found += [and_(Event.kind.in_(sorted(codes)), caused_by(verdicts)) for verdicts, codes in alike.items()]
    return or_(*found)


def entries(points: Points, *among: Truth) -> "list[Select[int, int, int, int, int]]":
    """A SELECT for each rule: `counted`, and the rule's place in `points.rules`."""
    return [counted(rule, *among).add_columns(literal(place)) for place, rule in enumerate(points.rules)]
