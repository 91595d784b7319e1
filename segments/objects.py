"""Values that are more than one: how often, how much, how long, how many; and the scope that is looked at.

In charge of reading them out of JSON objects, and of the message when one is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from segments.label import Label
from segments.operators import Shape
from segments.rule import JSON, RuleError, below
from segments.singles import MAX_ID, day, key, money, number, text, whole

MAX_DAYS = 36_500
MAX_COUNT = 1_000_000
MAX_SEED = 2**31 - 1
SCOPE = frozenset({"days", "since", "until", "campaign", "link", "product"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What of all that happened is looked at: the last `days` days, or the days from `since` to `until`; one campaign,
    links whose target holds a text, one product by its key. None sets no limit."""

    days: int | None = None
    since: date | None = None
    until: date | None = None
    campaign: int | None = None
    link: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened."""

    at_least: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class Total:
    """An amount in minor units, to compare with what was spent."""

    amount: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class Held:
    """Which choice, and for how many days at least."""

    key: str
    days: int


@dataclass(frozen=True, slots=True)
class Sample:
    """So many hundredths of a percent of all people; another seed draws others."""

    share: int
    seed: int


Object: TypeAlias = Count | Total | Held | Sample
Given: TypeAlias = dict[str, JSON]


def read_object(shape: Shape, value: JSON, path: str) -> Object:
    """The typed value, or `RuleError` at `path`."""
    names, reader = _READERS[shape]
    if not isinstance(value, dict) or not value.keys() <= names:
        known = ", ".join(sorted(names))
        raise RuleError(path, Label(f"must be an object of {known}", f"muss ein Objekt aus {known} sein"))
    return reader({name: each for name, each in value.items() if each is not None}, path)


def _count(given: Given, path: str) -> Count:
    return Count(whole(given.get("at_least", 1), below(path, "at_least"), 1, MAX_COUNT), _scope(given, path))


def _total(given: Given, path: str) -> Total:
    return Total(money(given.get("amount"), below(path, "amount")), _scope(given, path))


def _held(given: Given, path: str) -> Held:
    return Held(
        key(given.get("value"), below(path, "value")), whole(given.get("days"), below(path, "days"), 1, MAX_DAYS)
    )


def _sample(given: Given, path: str) -> Sample:
    hundredths = number(given.get("percent"), below(path, "percent")) * 100
    if hundredths != int(hundredths) or not 1 <= hundredths <= 10_000:
        raise RuleError(
            below(path, "percent"),
            Label("must be a percentage from 0.01 to 100", "muss ein Prozentsatz von 0,01 bis 100 sein"),
        )
    return Sample(int(hundredths), whole(given.get("seed", 1), below(path, "seed"), 0, MAX_SEED))


def _scope(given: Given, path: str) -> Scope:
    days = whole(given["days"], below(path, "days"), 1, MAX_DAYS) if "days" in given else None
    since, until = (day(given[end], below(path, end)) if end in given else None for end in ("since", "until"))
    if days is not None and (since or until):
        raise RuleError(
            below(path, "days"),
            Label("goes without “since” and “until”", "geht nicht zusammen mit „since“ und „until“"),
        )
    if since and until and until < since:
        raise RuleError(below(path, "until"), Label("is before “since”", "liegt vor „since“"))
    campaign = whole(given["campaign"], below(path, "campaign"), 1, MAX_ID) if "campaign" in given else None
    link = text(given["link"], below(path, "link")) if "link" in given else None
    product = key(given["product"], below(path, "product")) if "product" in given else None
    return Scope(days, since, until, campaign, link, product)


_READERS: dict[Shape, tuple[frozenset[str], Callable[[Given, str], Object]]] = {
    Shape.COUNT: (SCOPE | {"at_least"}, _count),
    Shape.TOTAL: (SCOPE | {"amount"}, _total),
    Shape.HELD: (frozenset({"value", "days"}), _held),
    Shape.SAMPLE: (frozenset({"percent", "seed"}), _sample),
}
