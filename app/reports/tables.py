"""Reports as CSV.

No text becomes a formula (TRUST S7): spreadsheets run what begins with an equals sign, and names come from outside.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from flask import Response

from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import Cohort, CohortGrid
from app.reports.segment_report import Month, SegmentReport

Cell = str | int | Decimal | None
Row = Sequence[Cell]

# Spaces and quotes do not keep a spreadsheet from seeing the sign behind them.
_FORMULA = re.compile("[\\s\"'\u00a0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")

_SEGMENT_COLUMNS = (
    "month", "running", "sent", "opens", "clicks", "readers", "purchases", "buyers", "revenue",
    "people_at_start", "people_at_end", "new", "first_time", "returned", "lost", "retention_percent", "churn_percent",
    "buyers_so_far", "buyers_again_so_far", "repeat_rate_percent",
    "buyers_in_month", "buyers_again_in_month", "repeat_rate_in_month_percent",
)  # fmt: skip


def csv_answer(name: str, rows: Iterable[Row]) -> Response:
    """A file to download: UTF-8 with a mark, so that spreadsheets read the letters right."""
    text = io.StringIO()
    csv.writer(text).writerows([_guarded(cell) for cell in row] for row in rows)
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def segment_table(report: SegmentReport) -> list[Row]:
    """A row for each month."""
    return [_SEGMENT_COLUMNS, *(_month_row(month) for month in report.months)]


def cohort_table(grid: CohortGrid) -> list[Row]:
    """A row for each cohort: people and percentages, month by month; nothing where a month is still to come."""
    ages = range(len(grid.cohorts))
    header = ["cohort", "size", *(f"{what}_{age}" for age in ages for what in ("people", "percent"))]
    return [header, *(_cohort_row(cohort) for cohort in grid.cohorts)]


def campaign_table(report: CampaignReport) -> list[Row]:
    """One figure per row: what it is part of, of which item, its name, its value."""
    people, sales = report.people, report.sales
    figures: list[Row] = [
        ("people", None, "audience", report.audience),
        *(("books", None, state.value, number) for state, number in report.books.items()),
        ("people", None, "sent", people.sent),
        ("people", None, "measured_personally", people.personal),
        ("people", None, "measured_in_total", people.aggregate),
        ("people", None, "not_measured", people.unmeasured),
        ("people", None, "opened", people.opened),
        ("people", None, "clicked", people.clicked),
        ("people", None, "unsubscribed", report.unsubscribed),
        ("people", None, "complained", report.complained),
        ("sales", None, "buyers", sales.buyers),
        ("sales", None, "orders", sales.orders),
        ("sales", None, "revenue", _money(sales.revenue)),
    ]
    return [("part", "item", "figure", "value"), *figures, *_campaign_details(report)]


def _campaign_details(report: CampaignReport) -> Iterable[Row]:
    for link in report.links:
        for name in ("clicks", "machine_clicks", "people"):
            yield "link", link.target or "personal links", name, getattr(link, name)
    for part, groups in (("tier", report.tiers), ("segment", report.segments)):
        for group in groups:
            for name in ("people", "measured", "clicked"):
                yield part, group.name or "none", name, getattr(group, name)
            yield part, group.name or "none", "click_rate_percent", _rate(group.click_rate)
    for hits in report.hits:
        yield "hits", hits.verdict.value, "opens", hits.opens
        yield "hits", hits.verdict.value, "clicks", hits.clicks
    for hour in report.hours:
        yield "hour", _stamp(hour.start), "opens", hour.opens
        yield "hour", _stamp(hour.start), "clicks", hour.clicks


def _cohort_row(cohort: Cohort) -> Row:
    cells = ((month.people, _rate(month.share)) if month else (None, None) for month in cohort.months)
    return (cohort.label, cohort.size, *(value for cell in cells for value in cell))


def _month_row(month: Month) -> Row:
    did, stay, repeat = month.engagement, month.retention, month.repeat
    return (
        *(month.label, "yes" if month.is_running else "no"),
        *(did.sent, did.opens, did.clicks, did.readers, did.purchases, did.buyers, _money(did.revenue)),
        *(stay.start, stay.end, stay.new, stay.first_time, stay.returned, stay.lost),
        *(_rate(stay.retention), _rate(stay.churn)),
        *(repeat.buyers, repeat.buyers_again, _rate(repeat.rate)),
        *(repeat.buyers_in_month, repeat.buyers_again_in_month, _rate(repeat.rate_in_month)),
    )


def _guarded(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _rate(percent: float | None) -> Decimal | None:
    return None if percent is None else Decimal(repr(percent)).quantize(Decimal("0.01"))


def _money(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def _stamp(moment: datetime) -> str:
    return moment.isoformat()
