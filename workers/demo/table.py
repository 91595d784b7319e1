"""The last page of the demo: what the circle left, as one table, from the reports of the API."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from workers.demo.circle import Circle

_BANDS = ((0, 10), (10, 40), (40, 100), (100, None))
_MONTHS = 18


def tables(circle: Circle) -> Iterator[Table]:
    """Campaigns; scores and tiers; retention per segment and month."""
    yield _campaigns(circle)
    yield _scores(circle)
    yield _retention(circle)


def _campaigns(circle: Circle) -> Table:
    people = f"{len(circle.crowd):,} people, {len(circle.purchases):,} orders"
    table = Table(title=f"{people}; opened and clicked by people, and by bots")
    table.add_column("campaign")
    for column in ("people", "sent", "opened", "by bots", "clicked", "by bots", "left"):
        table.add_column(column, justify="right")
    for campaign in circle.campaigns:
        report = circle.client.get(f"/reports/campaigns/{campaign}")
        people, hits = report["people"], report["hits"]
        row = (
            report["audience"],
            report["books"]["sent"],
            people["opened"],
            _machines(hits, "opens"),
            people["clicked"],
            _machines(hits, "clicks"),
            report["unsubscribed"],
        )
        table.add_row(report["name"], *(f"{number:,}" for number in row))
    return table


def _machines(hits: list[dict[str, Any]], kind: str) -> int:
    return sum(row[kind] for row in hits if row["verdict"] not in {"human", "proxy"})


def _scores(circle: Circle) -> Table:
    table = Table(title="Scores and tiers")
    for column in ("score", "people", "tier", "people "):
        table.add_column(column, justify="right" if column.startswith("people") else "left")
    bands = [(f"{low} to {high}" if high else f"{low} and more", _between(circle, low, high)) for low, high in _BANDS]
    sizes = [(tier["name"], tier["people"]) for tier in circle.client.get("/reports/overview")["tiers"]]
    for index in range(max(len(bands), len(sizes))):
        (band, many), (tier, size) = (rows[index] if index < len(rows) else ("", 0) for rows in (bands, sizes))
        table.add_row(band, f"{many:,}", tier, f"{size:,}")
    return table


def _between(circle: Circle, low: int, high: int | None) -> int:
    rules = [{"field": "score", "op": "at_least", "value": low}]
    if high is not None:
        rules.append({"field": "score", "op": "less_than", "value": high})
    count: int = circle.client.post("/segments/count", {"rule": {"all": rules}})["count"]
    return count


def _retention(circle: Circle) -> Table:
    table = Table(title="Retention in % (active: bought, clicked or confirmed within 90 days)")
    until = max(row.day for row in circle.purchases).strftime("%Y-%m")
    rows = {"Everybody": "/reports/everybody"} | {
        name: f"/reports/segments/{key}" for name, key in circle.segments.items()
    }
    table.add_column("month")
    reports = []
    for name, path in rows.items():
        table.add_column(name, justify="right")
        reports.append(circle.client.get(f"{path}?months={_MONTHS}&until={until}")["months"])
    for months in zip(*reports, strict=True):
        table.add_row(months[0]["label"], *(_percent(month["retention"]["retention"]) for month in months))
    return table


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
