"""What changed in a month, and why, in three plain sentences.

Each sentence splits a change into what it is made of: who stayed into lost and come back, revenue into people and what
each paid, clicks into mails and clicks per mail. It says what the numbers say, no more.
"""

from dataclasses import dataclass
from datetime import date

from flask_babel import format_currency, format_date
from flask_babel import gettext as _

from app.formatting import number, percent
from app.reports.segment_report import Month, SegmentReport


@dataclass(frozen=True, slots=True)
class Line:
    """A number of this month and of the one before, ready to be read; `change` is empty where there is none."""

    name: str
    now: str
    before: str
    change: str


def month_title(label: str) -> str:
    """2026-10 → October 2026."""
    return str(format_date(date.fromisoformat(f"{label}-01"), "LLLL y"))


def lines(report: SegmentReport, currency: str) -> list[Line]:
    """The numbers that a month is known by."""
    before, now = report.months[-2:]
    rates = (
        (_("Retention"), now.retention.retention, before.retention.retention),
        (_("Churn"), now.retention.churn, before.retention.churn),
        (_("Revenue churn"), now.recurring.churn, before.recurring.churn),
        (_("Bought again so far"), now.repeat.rate, before.repeat.rate),
    )
    counts = (
        (_("Active people at the end"), now.retention.end, before.retention.end),
        (_("Mails sent"), now.engagement.sent, before.engagement.sent),
        (_("Readers"), now.engagement.readers, before.engagement.readers),
        (_("Clicks"), now.engagement.clicks, before.engagement.clicks),
        (_("Buyers"), now.engagement.buyers, before.engagement.buyers),
    )
    revenue = (now.engagement.revenue, before.engagement.revenue)
    return [
        *(Line(name, _rate(new), _rate(old), _points(new, old)) for name, new, old in rates),
        *(Line(name, number(new), number(old), _growth(new, old)) for name, new, old in counts),
        Line(_("Revenue"), _money(revenue[0], currency), _money(revenue[1], currency), _growth(*revenue)),
        *_answered(before, now),
    ]


def _answered(before: Month, now: Month) -> list[Line]:
    """Nothing where nobody answered in either month."""
    new, old = now.answers, before.answers
    if not new.people and not old.people:
        return []
    return [
        Line(_("Net promoter score"), number(new.score, 1), number(old.score, 1), _points(new.score, old.score)),
        Line(_("Answers"), number(new.people), number(old.people), _growth(new.people, old.people)),
    ]


def reasons(report: SegmentReport, currency: str) -> list[str]:
    """Three sentences: who stayed, what was bought, what was read."""
    before, now = report.months[-2:]
    return [_stayed(before, now), _bought(before, now, currency), _read(before, now)]


def _stayed(before: Month, now: Month) -> str:
    stay, then = now.retention, before.retention
    if not stay.start:
        return str(_("Nobody was active when the month began, so there is no retention yet."))
    said = {
        "kept": number(stay.start - stay.lost),
        "start": number(stay.start),
        "lost": number(stay.lost),
        "lost_before": number(then.lost),
        "first": number(stay.first_time),
        "back": number(stay.returned),
    }
    return str(
        _(
            "%(kept)s of %(start)s active people stayed: %(lost)s were lost (%(lost_before)s in the month "
            "before), %(first)s came for the first time and %(back)s came back.",
            **said,
        )
    )


def _bought(before: Month, now: Month, currency: str) -> str:
    new, old = now.engagement, before.engagement
    if not old.buyers or not new.buyers:
        return str(
            _(
                "%(buyers)s people bought for %(revenue)s; there is no month before to compare with.",
                buyers=number(new.buyers),
                revenue=_money(new.revenue, currency),
            )
        )
    each, each_before = new.revenue / new.buyers, old.revenue / old.buyers
    said = {
        "revenue": _money(new.revenue, currency),
        "change": _growth(new.revenue, old.revenue) or _("no change"),
        "buyers": number(new.buyers),
        "buyers_before": number(old.buyers),
        "each": _money(round(each), currency),
        "each_before": _money(round(each_before), currency),
    }
    by_people = abs((new.buyers - old.buyers) * each_before)
    by_value = abs((each - each_before) * new.buyers)
    if by_people >= by_value:
        return str(
            _(
                "Revenue was %(revenue)s (%(change)s), mostly because of how many bought: %(buyers)s people "
                "after %(buyers_before)s, for %(each)s each after %(each_before)s.",
                **said,
            )
        )
    return str(
        _(
            "Revenue was %(revenue)s (%(change)s), mostly because of how much each paid: %(each)s after "
            "%(each_before)s, by %(buyers)s people after %(buyers_before)s.",
            **said,
        )
    )


def _read(before: Month, now: Month) -> str:
    new, old = now.engagement, before.engagement
    if not new.sent:
        clicks = number(new.clicks)
        return str(_("No mail went out in this month; %(clicks)s clicks were on older ones.", clicks=clicks))
    said = {
        "clicks": number(new.clicks),
        "clicks_before": number(old.clicks),
        "sent": number(new.sent),
        "sent_before": number(old.sent),
        "rate": percent(new.clicks / new.sent),
        "rate_before": percent(old.clicks / old.sent if old.sent else None),
    }
    return str(
        _(
            "%(clicks)s clicks after %(clicks_before)s: %(sent)s mails went out after %(sent_before)s, with "
            "%(rate)s clicks per mail after %(rate_before)s.",
            **said,
        )
    )


def _rate(rate: float | None) -> str:
    return percent(None if rate is None else rate / 100)


def _points(new: float | None, old: float | None) -> str:
    """Rates are compared in points: a percentage of a percentage misleads."""
    return (
        ""
        if new is None or old is None
        else _("%(points)s points", points=("+" if new >= old else "−") + number(abs(new - old), 1))
    )


def _growth(new: int, old: int) -> str:
    if old <= 0:
        return ""
    sign = "+" if new >= old else "−"
    return sign + percent(abs(new - old) / old)


def _money(minor: int, currency: str) -> str:
    return str(format_currency(minor / 100, currency))
