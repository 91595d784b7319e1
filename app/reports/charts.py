"""Reports as the layout's macros draw them: labels ready to be read, shares from 0 to 1, money in whole units."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import format_date, format_datetime
from flask_babel import gettext as _

from app.accounts.organisation import amount, this_organisation
from app.reports.answers import Answers
from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import CohortGrid, Share
from app.reports.growth import Growth
from app.reports.history import History
from app.reports.ladder import Moves
from app.reports.overview import DayHits
from app.reports.segment_report import SegmentReport
from app.reports.survival import Survival
from segments.ladder import Rung

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


def whole_money(minor: float | None) -> str:
    """Minor units with fractions, such as a mean, as money."""
    return amount(None if minor is None else round(minor))


def segment_charts(report: SegmentReport) -> dict[str, Chart]:
    """The charts of a segment's page."""
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
                _("Again within the month"): [as_share(one.rate_in_month) for one in repeats],
            },
            unit="percent",
        ),
        "revenue": _money_chart(labels, {_("Revenue"): [one.revenue for one in did]}),
        "recurring": _chart(
            labels, {_("Revenue churn"): [as_share(month.recurring.churn) for month in months]}, unit="percent"
        ),
        "value": _money_chart(labels, {_("Customer lifetime value"): [one.lifetime_value for one in repeats]}),
        **_answer_charts(labels, [month.answers for month in months]),
    }


def _answer_charts(labels: list[str], said: Sequence[Answers]) -> dict[str, Chart]:
    return {
        "nps": _chart(labels, {_("Net promoter score"): [one.score for one in said]}),
        "answers": _chart(
            labels,
            {
                _("Promoters"): [one.promoters for one in said],
                _("Passives"): [one.passives for one in said],
                _("Detractors"): [one.detractors for one in said],
            },
        ),
    }


def cohort_rows(grid: CohortGrid) -> list[dict[str, Any]]:
    """The rows of the grid; each cell is None, or what it shows and how warm it is (0 … 1)."""
    each = (_per_head(cohort.size, month) for cohort in grid.cohorts for month in cohort.months if month)
    most = max((value for value in each if value), default=0.0)
    return [
        {
            "label": month_name(cohort.label),
            "size": cohort.size,
            "cells": [month and _cell(cohort.size, month, most) for month in cohort.months],
        }
        for cohort in grid.cohorts
    ]


def _cell(size: int, month: Share, most: float) -> dict[str, Any]:
    per_head = _per_head(size, month)
    share = as_share(month.share)
    heat = share if per_head is None else (max(per_head, 0) / most if most else 0.0)
    return {"share": share, "money": per_head, "heat": heat, "people": month.people, "running": month.is_running}


def _per_head(size: int, month: Share) -> float | None:
    return None if month.revenue is None or not size else month.revenue / size


def survival_chart(report: Survival, names: Sequence[str]) -> Chart:
    """A line for each curve; with one alone, its interval as two more."""
    curves = [(name, curve) for name, curve in zip(names, report.curves, strict=True) if curve.points]
    longest = max((curve.points for _name, curve in curves), key=len, default=())
    labels = [str(point.after) for point in longest]
    series = {name: [each.share / 100 for each in curve.points] for name, curve in curves}
    if len(curves) == 1:
        points = curves[0][1].points
        series[_("Confidence interval, from")] = [each.low / 100 for each in points]
        series[_("Confidence interval, to")] = [each.high / 100 for each in points]
    padded = {name: [*values, *(None for _at in range(len(labels) - len(values)))] for name, values in series.items()}
    return _chart(labels, padded, unit="percent", axis=_("Days"))


def moves_chart(report: Moves, names: Mapping[Rung, str]) -> Chart:
    """Streams between the rungs of the first and of the second moment; `series` is what the table shows."""
    rungs = list(Rung)
    came = _("Not here yet")
    nodes = [{"name": f"1 {label}", "label": label, "side": "left"} for label in (*names.values(), came)]
    nodes += [{"name": f"2 {label}", "label": label, "side": "right"} for label in names.values()]
    links = [
        {
            "source": f"1 {names[move.before] if move.before else came}",
            "target": f"2 {names[move.after]}",
            "value": move.people,
        }
        for move in report.moves
    ]
    used = {each[end] for each in links for end in ("source", "target")}
    rows = {
        names[after]: [
            sum(move.people for move in report.moves if (move.before, move.after) == (before, after))
            for before in (*rungs, None)
        ]
        for after in rungs
    }
    table = _chart([*(names[each] for each in rungs), came], rows, axis=_("From · to"))
    return {**table, "nodes": [node for node in nodes if node["name"] in used], "links": links}


def history_chart(report: History) -> Chart:
    """The sizes of the largest segments, everybody left out."""
    segments = sorted((each for each in report.segments if each.segment_id), key=lambda each: -each.months[-1].size)
    labels = [_with_mark(month_name(label), is_last) for label, is_last in _lasts(report)]
    return _chart(labels, {each.name or "": [month.size for month in each.months] for each in segments[:6]})


def _lasts(report: History) -> list[tuple[str, bool]]:
    last = report.labels[-1] if report.is_running else None
    return [(label, label == last) for label in report.labels]


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
        {
            _("Joined"): [month.joined for month in months],
            _("Left"): [month.bounced - month.left for month in months],
            _("Bounced"): [-month.bounced for month in months],
        },
    )


def sparkline(values: Iterable[float | None]) -> list[tuple[float, float]]:
    """Points of a line in a box of 100 × 24, 0 % at the bottom and 100 % at the top; gaps are left out."""
    known = list(values)
    step = 100 / max(len(known) - 1, 1)
    return [(round(at * step, 1), round(22 - value / 5, 1)) for at, value in enumerate(known) if value is not None]


def _chart(labels: list[str], series: dict[str, list[Any]], unit: str | None = None, axis: str | None = None) -> Chart:
    named = [{"name": name, "values": values} for name, values in series.items()]
    return {"labels": labels, "series": named, "unit": unit, "axis": axis or _("Month")}


def _money_chart(labels: list[str], series: Mapping[str, Sequence[float | None]]) -> Chart:
    whole = {name: [None if value is None else value / 100 for value in values] for name, values in series.items()}
    found = this_organisation()
    return {**_chart(labels, whole, unit="money"), "currency": found.currency if found else "EUR"}


def _with_mark(label: str, is_running: bool) -> str:
    return f"{label}*" if is_running else label


def _bars(rows: Sequence[tuple[str, int]], whole: int) -> list[Bar]:
    return [(label, number, number / whole if whole else None) for label, number in rows]
