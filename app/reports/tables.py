"""Reports as rows, for files: a header, then figures.

Rates are in percent with two digits, money in whole units, months as YYYY-MM; nothing is None. Not in charge of the
file, nor of what a spreadsheet would run (`app.spreadsheet`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from app.reports.campaign_report import CampaignReport
from app.reports.cohorts import Cohort, CohortGrid
from app.reports.history import History
from app.reports.ladder import Moves
from app.reports.rfm import RfmReport
from app.reports.segment_report import Month, SegmentReport
from app.reports.survival import Survival
from app.spreadsheet import Cell

Row = Sequence[Cell]

_SEGMENT_COLUMNS = (
    "month", "running", "sent", "opens", "clicks", "readers", "purchases", "buyers", "revenue",
    "people_at_start", "people_at_end", "new", "first_time", "returned", "lost", "retention_percent", "churn_percent",
    "buyers_so_far", "buyers_again_so_far", "repeat_rate_percent",
    "buyers_in_month", "buyers_again_in_month", "repeat_rate_in_month_percent",
    "average_order", "lifetime_value", "mrr_at_start", "mrr_lost", "revenue_churn_percent",
    "answers", "promoters", "passives", "detractors", "net_promoter_score",
)  # fmt: skip


def segment_table(report: SegmentReport) -> list[Row]:
    """A row for each month."""
    return [_SEGMENT_COLUMNS, *(_month_row(month) for month in report.months)]


def cohort_table(grid: CohortGrid) -> list[Row]:
    """A row for each cohort: people, percentages and revenue, month by month; nothing where one is still to come."""
    ages = range(len(grid.cohorts))
    header = ["cohort", "size", *(f"{what}_{age}" for age in ages for what in ("people", "percent", "revenue"))]
    return [header, *(_cohort_row(cohort, len(ages)) for cohort in grid.cohorts)]


def survival_table(report: Survival) -> list[Row]:
    """A row for each curve and each thirty days."""
    header = ("group", "stays", "ended", "days", "at_risk", "percent", "low_percent", "high_percent")
    rows = (
        (curve.name or report.of.value, curve.stays, curve.ended, point.after, point.at_risk, *(
            _rate(each) for each in (point.share, point.low, point.high)
        ))
        for curve in report.curves
        for point in curve.points
    )  # fmt: skip
    return [header, *rows]


def moves_table(report: Moves) -> list[Row]:
    """A row for each move."""
    rows = ((move.before.value if move.before else None, move.after.value, move.people) for move in report.moves)
    return [("before", "after", "people"), *rows]


def rfm_table(report: RfmReport) -> list[Row]:
    """A row for each class, then one for each pair of scores."""
    classes = ((each.value, None, None, of) for each, of in report.classes.items())
    grid = (
        (None, recency, frequency, group)
        for recency, row in enumerate(report.grid, 1)
        for frequency, group in enumerate(row, 1)
    )
    rows = ((*key, of.people, of.orders, _money(of.spent)) for *key, of in (*classes, *grid))
    return [("class", "recency", "frequency", "people", "orders", "revenue"), *rows]


def history_table(report: History) -> list[Row]:
    """A row for each segment and month."""
    header = (
        *("segment", "month", "size", "joined", "left", "churn_percent"),
        *("opens", "clicks", "readers_per_day", "purchases", "revenue"),
    )
    rows = (
        (segment.name or "everybody", label, of.size, of.joined, of.left, _rate(of.churn), of.opens, of.clicks,
         _rate(of.uniques), of.purchases, _money(of.revenue))
        for segment in report.segments
        for label, of in zip(report.labels, segment.months, strict=True)
    )  # fmt: skip
    return [header, *rows]


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


def _cohort_row(cohort: Cohort, width: int) -> Row:
    shown = [*cohort.months, *(None for _ in range(width - len(cohort.months)))]
    cells = ((month.people, _rate(month.share), _money(month.revenue)) if month else (None,) * 3 for month in shown)
    return (cohort.label, cohort.size, *(value for cell in cells for value in cell))


def _month_row(month: Month) -> Row:
    did, stay, repeat, recurring = month.engagement, month.retention, month.repeat, month.recurring
    said = month.answers
    return (
        *(month.label, "yes" if month.is_running else "no"),
        *(did.sent, did.opens, did.clicks, did.readers, did.purchases, did.buyers, _money(did.revenue)),
        *(stay.start, stay.end, stay.new, stay.first_time, stay.returned, stay.lost),
        *(_rate(stay.retention), _rate(stay.churn)),
        *(repeat.buyers, repeat.buyers_again, _rate(repeat.rate)),
        *(repeat.buyers_in_month, repeat.buyers_again_in_month, _rate(repeat.rate_in_month)),
        *(_money(repeat.average_order), _money(repeat.lifetime_value)),
        *(_money(recurring.mrr_start), _money(recurring.mrr_lost), _rate(recurring.churn)),
        *(said.people, said.promoters, said.passives, said.detractors, _rate(said.score)),
    )


def _rate(percent: float | None) -> Decimal | None:
    return None if percent is None else Decimal(repr(percent)).quantize(Decimal("0.01"))


def _money(minor: float | None) -> Decimal | None:
    return None if minor is None else Decimal(round(minor)).scaleb(-2)


def _stamp(moment: datetime) -> str:
    return moment.isoformat()
