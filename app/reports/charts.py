"""Reports as the layout's macros draw them: labels ready to be read, shares from 0 to 1, money in whole units."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask_babel import format_date, format_datetime
from flask_babel import gettext as _

from app.accounts.organisation import this_organisation
from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import CohortGrid
from app.reports.growth import Growth
from app.reports.overview import DayHits
from app.reports.segment_report import SegmentReport

Chart = dict[str, Any]
Bar = tuple[str, int, float | None]


def month_name(label: str) -> str:
    """2026-03 → Mar 2026."""
    return str(format_date(date.fromisoformat(f"{label}-01"), "LLL y"))


def as_share(percent: float | None) -> float | None:
    """43.2 → 0.432, as the filters and charts take it."""
    return None if percent is None else percent / 100


def change(new: float | None, old: float | None) -> float | None:
    """By which part of the old value it grew; None without an old one."""
    return None if not old or new is None else (new - old) / old


def difference(new: float | None, old: float | None) -> float | None:
    """By how many points a rate moved; None without an old one."""
    return None if old is None or new is None else new - old


def segment_charts(report: SegmentReport) -> dict[str, Chart]:
    """The four charts of a segment's page."""
    months = report.months
    labels = [_with_mark(month_name(month.label), month.is_running) for month in months]
    stays, did = [month.retention for month in months], [month.engagement for month in months]
    repeats = [month.repeat for month in months]
    return {
        "retention": _chart(
            labels,
            {
                _("Retention"): [as_share(one.retention) for one in stays],
                _("Churn"): [as_share(one.churn) for one in stays],
            },
            unit="percent",
        ),
        "people": _chart(
            labels,
            {
                _("Stayed"): [one.end - one.new for one in stays],
                _("Came back"): [one.returned for one in stays],
                _("First time"): [one.first_time for one in stays],
            },
        ),
        "engagement": _chart(
            labels,
            {
                _("Mails sent"): [one.sent for one in did],
                _("Readers"): [one.readers for one in did],
                _("Clicks"): [one.clicks for one in did],
                _("Purchases"): [one.purchases for one in did],
            },
        ),
        "repeat": _chart(
            labels,
            {
                _("Bought again so far"): [as_share(one.rate) for one in repeats],
                _("Twice within the month"): [as_share(one.rate_in_month) for one in repeats],
            },
            unit="percent",
        ),
        "revenue": _money_chart(labels, {_("Revenue"): [one.revenue for one in did]}),
    }


def cohort_rows(grid: CohortGrid) -> list[dict[str, Any]]:
    """The rows of the grid; each cell is None, or its share with whether the month is running."""
    return [
        {
            "label": month_name(cohort.label),
            "size": cohort.size,
            "cells": [month and {"share": as_share(month.share), "people": month.people, "running": month.is_running}
                      for month in cohort.months],
        }
        for cohort in grid.cohorts
    ]  # fmt: skip


def campaign_hours(report: CampaignReport) -> Chart:
    """Opens and clicks of readers by the hour."""
    return _chart(
        [format_datetime(hour.start, "EEE HH:mm") for hour in report.hours],
        {_("Opens"): [hour.opens for hour in report.hours], _("Clicks"): [hour.clicks for hour in report.hours]},
        axis=_("Hour"),
    )


def everybody_bars(report: CampaignReport) -> list[Bar]:
    """The first half of the funnel: shares of the audience."""
    people = report.people
    return _bars(
        [(_("Audience"), report.audience), (_("Sent"), people.sent), (_("Measured personally"), people.personal)],
        report.audience,
    )


def measured_bars(report: CampaignReport) -> list[Bar]:
    """The second half: shares of those measured personally."""
    people = report.people
    return _bars(
        [(_("Opened"), people.opened), (_("Clicked"), people.clicked), (_("Bought"), report.sales.buyers)],
        people.personal,
    )


def measuring_bars(report: CampaignReport) -> list[Bar]:
    """How those who were sent it are measured."""
    people = report.people
    return _bars(
        [
            (_("Personally"), people.personal),
            (_("In totals alone"), people.aggregate),
            (_("Not at all"), people.unmeasured),
        ],
        people.sent,
    )


def days_chart(days: Sequence[DayHits]) -> Chart:
    """Opens and clicks of readers by the day."""
    return _chart(
        [format_date(one.day, "d MMM") for one in days],
        {_("Opens"): [one.opens for one in days], _("Clicks"): [one.clicks for one in days]},
        axis=_("Day"),
    )


def growth_chart(months: Sequence[Growth]) -> Chart:
    """Joined and left, left downwards."""
    return _chart(
        [_with_mark(month_name(month.label), month.is_running) for month in months],
        {_("Joined"): [month.joined for month in months], _("Left"): [-month.left for month in months]},
    )


def sparkline(values: Iterable[float | None]) -> list[tuple[float, float]]:
    """Points of a line in a box of 100 × 24, 0 % at the bottom and 100 % at the top; gaps are left out."""
    known = list(values)
    step = 100 / max(len(known) - 1, 1)
    return [(round(at * step, 1), round(22 - value / 5, 1)) for at, value in enumerate(known) if value is not None]


def _chart(labels: list[str], series: dict[str, list[Any]], unit: str | None = None, axis: str | None = None) -> Chart:
    named = [{"name": name, "values": values} for name, values in series.items()]
    return {"labels": labels, "series": named, "unit": unit, "axis": axis or _("Month")}


def _money_chart(labels: list[str], series: dict[str, list[int]]) -> Chart:
    whole = {name: [value / 100 for value in values] for name, values in series.items()}
    found = this_organisation()
    return {**_chart(labels, whole, unit="money"), "currency": found.currency if found else "EUR"}


def _with_mark(label: str, is_running: bool) -> str:
    return f"{label}*" if is_running else label


def _bars(rows: Sequence[tuple[str, int]], whole: int) -> list[Bar]:
    return [(label, number, number / whole if whole else None) for label, number in rows]
