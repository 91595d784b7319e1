"""What each number on a report means, in words: shown where it stands, and the same on every page."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext, to_user_timezone

from app.accounts.organisation import amount
from app.feature import house
from app.formatting import number
from app.i18n import language
from app.reports.definitions import Definitions, Lost
from app.reports.query import BordersOf, Metric, Since, StaysOf
from app.reports.scope import SMALLEST_GROUP
from app.reports.survival import Survival
from segments.ladder import Rung
from segments.rfm import Borders, RfmClass


def active(meant: Definitions) -> str:
    """Who is active."""
    days = ngettext(
        "Active is who clicked, bought or confirmed in the last day and is not lost.",
        "Active is who clicked, bought or confirmed in the last %(num)s days and is not lost.",
        meant.active_days,
    )
    return str(days if Lost.SILENT in meant.lost_when else _("Active is everybody who is not lost."))


def lost(meant: Definitions) -> str:
    """Who is lost."""
    silent = ngettext("no click or purchase for a day", "no click or purchase for %(num)s days", meant.active_days)
    said = {
        Lost.SILENT: silent,
        Lost.UNSUBSCRIBED: _("unsubscribed, bounced or complained"),
        Lost.SUBSCRIPTION_ENDED: _("the last topic ended"),
    }
    return str(_("Lost: %(reasons)s.", reasons=_(" or ").join(said[each] for each in meant.lost_when)))


def retention() -> str:
    """The formula."""
    return str(
        _(
            "((E − N) / S) · 100: of S people there when the month began, the share still there when it "
            "ended. E were there at the end, N of them not at the start."
        )
    )


def churn() -> str:
    """The formula."""
    return str(_("(lost / S) · 100: of S people there when the month began, the share that was lost by its end."))


def revenue_churn() -> str:
    """The formula."""
    return str(
        _(
            "(MRR lost / MRR at the start) · 100: of what those there at the start had paid a month "
            "in the days that make somebody active, the share of those lost by its end."
        )
    )


def repeat_rate(meant: Definitions) -> str:
    """The formula."""
    return str(
        _(
            "(returning / all buyers) · 100: of everybody who ever bought, the share that bought at least "
            "%(times)s times. All at one moment is one purchase.",
            times=meant.repeat_times,
        )
    )


def lifetime_value() -> str:
    """The formula."""
    return str(_("(average order value · repeat rate) − acquisition cost, of all up to the end of the month."))


def net_promoter_score() -> str:
    """The formula, and who counts."""
    return str(
        _(
            "%% promoters (9, 10) − %% detractors (0 to 6) of those who answered how likely they are to recommend: "
            "−100 to 100. Of each person the latest answer in that time counts. Of fewer than %(smallest)s nothing but "
            "their number is shown.",
            smallest=SMALLEST_GROUP,
        )
    )


def recurring_revenue(meant: Definitions) -> str:
    """What stands for recurring revenue where nobody has a contract."""
    return str(
        _(
            "Monthly recurring revenue: what those there at the start of the month had paid in the %(days)s days "
            "before, refunds taken off, as an average of 30 days.",
            days=meant.active_days,
        )
    )


def measured() -> str:
    """Of whom opens and clicks are known."""
    return str(_("People who agreed to be measured personally: opens and clicks can only be theirs."))


def opened() -> str:
    """What an open is worth."""
    return str(
        _("Of those measured, the share whose mail program loaded the pictures: an estimate. Machines are left out.")
    )


def readers() -> str:
    """Who reads."""
    return str(_("People measured personally who opened or clicked anything in the month, each counted once."))


def readers_per_day() -> str:
    """The same by the day."""
    return str(_("How many people opened or clicked anything on a day, on average over the days of the month."))


def churn_as_it_was() -> str:
    """The formula where segments are looked at as they were."""
    return str(_("(left / size when the month began) · 100: of those in the segment then, the share that left it."))


def rungs() -> dict[Rung, str]:
    """The rungs of the ladder."""
    return {
        Rung.NEW: _("New"),
        Rung.ACTIVE: _("Active"),
        Rung.COOLING: _("Cooling"),
        Rung.SLEEPING: _("Sleeping"),
        Rung.LOST: _("Lost"),
    }


def rung_meanings(meant: Definitions) -> dict[Rung, str]:
    """What each means here."""
    borders = meant.ladder
    return {
        Rung.NEW: _("joined less than %(days)s days ago, nothing done yet", days=borders.new),
        Rung.ACTIVE: _("clicked, bought or confirmed less than %(days)s days ago", days=borders.active),
        Rung.COOLING: _("silent for less than %(days)s days", days=borders.cooling),
        Rung.SLEEPING: _("silent for less than %(days)s days", days=borders.sleeping),
        Rung.LOST: _("silent for longer, or has left"),
    }


def rfm_classes() -> dict[RfmClass, tuple[str, str]]:
    """Name and meaning of each class."""
    return {
        RfmClass.CHAMPIONS: (_("Champions"), _("bought lately, often and for much")),
        RfmClass.LOYAL: (_("Loyal"), _("come again and again")),
        RfmClass.PROMISING: (_("Promising"), _("bought lately, not often yet")),
        RfmClass.AT_RISK: (_("At risk"), _("have not bought for a while")),
        RfmClass.CANNOT_LOSE: (_("Cannot lose"), _("were worth much and stay away")),
        RfmClass.DORMANT: (_("Dormant"), _("long ago, seldom, for little")),
    }


def metrics() -> dict[Metric, str]:
    """What cohorts are looked at for."""
    return {
        Metric.ACTIVE: _("Clicked or bought"),
        Metric.CLICKED: _("Clicked"),
        Metric.BOUGHT: _("Bought"),
        Metric.SUBSCRIBED: _("Still subscribed"),
        Metric.REVENUE: _("Revenue per person"),
    }


def beginnings() -> dict[Since, str]:
    """What makes somebody part of a cohort."""
    return {
        Since.JOINED: _("Month joined"),
        Since.FIRST_ORDER: _("Month of the first purchase"),
        Since.EVENT: _("Month of the first event"),
    }


def stays() -> dict[StaysOf, str]:
    """Whose stays are followed."""
    return {
        StaysOf.EVERYBODY: _("Everybody"),
        StaysOf.SOURCE: _("Each source"),
        StaysOf.SEGMENT: _("Each segment"),
    }


def event_kinds() -> list[tuple[str, str]]:
    """What can happen, by name."""
    return [(kind.name, kind.label(language())) for kind in house().kinds.values()]


def cohort_meaning(metric: Metric) -> str:
    """What a cell of the grid shows."""
    said = {
        Metric.ACTIVE: _("People who clicked or bought at least once in that month, of all of the row."),
        Metric.CLICKED: _("People who clicked at least once in that month, of all of the row; machines do not count."),
        Metric.BOUGHT: _("People who bought at least once in that month, of all of the row."),
        Metric.SUBSCRIBED: _("People who had not left by the end of that month, of all of the row."),
        Metric.REVENUE: _("What the people of the row paid in that month, refunds taken off, divided by all of them."),
    }
    return str(said[metric])


def survival(of: StaysOf) -> str:
    """How the curve is estimated."""
    begins = (
        _("A stay begins when somebody joins a segment and ends when she leaves it.")
        if of is StaysOf.SEGMENT
        else _("A stay begins when somebody joins and ends when she leaves.")
    )
    return str(begins + " " + _("Who is still there is counted as long as she has been (Kaplan-Meier, censored)."))


def curve_names(report: Survival) -> list[str]:
    """What each curve is called."""
    nobody = _("Everybody") if report.of is StaysOf.EVERYBODY else _("no source")
    return [curve.name or nobody for curve in report.curves]


def rfm_scores(of: BordersOf, borders: Borders) -> str:
    """Where the borders between the scores are."""
    said = {
        "recency": ", ".join(number(each) for each in borders.recency),
        "orders": ", ".join(number(each) for each in borders.orders),
        "spend": ", ".join(amount(round(each)) for each in borders.spend),
    }
    where = _(
        "Recency: up to %(recency)s days since the last purchase. Frequency: more than %(orders)s orders. "
        "Money: more than %(spend)s in all.",
        **said,
    )
    own = _("Each score has five parts of equal size.")
    return str(f"{own} {where}" if of is BordersOf.OWN else where)


def day_choices(meant: Definitions) -> list[tuple[str, str]]:
    """How long something done may make somebody active; empty is as it is defined."""
    choices = [(str(days), _("%(days)s days", days=days)) for days in (30, 90, 180, 365)]
    return [("", _("as defined (%(days)s days)", days=meant.active_days)), *choices]


def times_choices(meant: Definitions) -> list[tuple[str, str]]:
    """From which purchase on somebody has bought again; empty is as it is defined."""
    choices = [(str(times), _("%(times)s times or more", times=times)) for times in (2, 3, 4, 5)]
    return [("", _("as defined (%(times)s times)", times=meant.repeat_times)), *choices]


def local_day(moment: datetime) -> str:
    """The day as an input takes it."""
    return f"{to_user_timezone(moment):%Y-%m-%d}"
