"""The twenty segments of the made-up world: cheap and dear, nested, over counts, events, tags and fields."""

from typing import Any


def _is(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    stated = {"field": field, "op": operator}
    return stated if value is None else {**stated, "value": value}


def _did(field: str, at_least: int, days: int | None, *, happened: bool = True) -> dict[str, Any]:
    count = {"at_least": at_least, "days": days, "campaign": None}
    return _is(field, "happened" if happened else "not_happened", count)


SEGMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Germany", _is("country", "is", "DE")),
    ("Engaged", {"any": [_is("last_opened", "within_days", 30), _is("last_clicked", "within_days", 30)]}),
    ("Sleeping", {"all": [_is("sent", "at_least", 5), _is("last_opened", "not_within_days", 180)]}),
    ("New", _is("joined", "within_days", 30)),
    ("Never bought", _is("orders", "equals", 0)),
    ("Bought more than once", _is("orders", "at_least", 2)),
    ("Big spenders", _is("spent", "at_least", 200)),
    ("Lapsed customers", {"all": [_is("orders", "at_least", 1), _is("last_order_at", "not_within_days", 365)]}),
    ("Birthday this week", _is("birthday", "in_next_days", 7)),
    ("Press or trade", _is("tags", "has_any", ["press", "wholesale"])),
    ("Offers readers", _is("topics", "has_any", ["offers"])),
    ("Clicked lately", _did("clicked", 1, 30)),
    ("Clicked three times", _did("clicked", 3, 90)),
    ("Bought this year", _did("purchased", 1, 365)),
    ("Sent but silent", {"all": [_is("sent", "at_least", 3), _is("opens", "equals", 0), _is("clicks", "equals", 0)]}),
    ("Club in Berlin", {"all": [_is("custom.club", "is_true"), _is("custom.city", "is", "Berlin")]}),
    ("High score", _is("score", "at_least", 40)),
    ("From the form", _is("source", "is", "form")),
    ("Abroad, and reading", {"all": [{"not": _is("country", "is", "DE")}, _is("clicks", "at_least", 1)]}),
    (
        "Worth winning back",
        {
            "all": [
                _is("spent", "at_least", 50),
                {"any": [_is("last_clicked", "not_within_days", 90), _is("last_clicked", "is_empty")]},
                {"not": _is("tags", "has_any", ["press"])},
            ]
        },
    ),
)
