"""The first page, the list of reports and the report of a campaign."""

from typing import Any

from flask import Response, render_template
from sqlalchemy.orm import Session

from app.accounts.access import for_marketers
from app.campaigns.schedule import find as find_campaign
from app.db import reading, utc_now
from app.reports import tables
from app.reports.campaign_lines import compare_campaigns
from app.reports.feed import latest
from app.reports.growth import growth
from app.reports.kept import answer
from app.reports.kinds import CAMPAIGN, COMPARISON, CampaignAsked, ComparisonAsked
from app.reports.overview import overview, setup, tier_spread
from app.reports.periods import months_until
from app.reports.shelf import ENDING, blueprint, page, table, template_words
from app.scoring.tiers import all_tiers

home = for_marketers("overview", __name__)
home.context_processor(template_words)

_GROWTH_MONTHS = 12
_COMPARED = 20
_LATEST = 5


@home.get("/")
def index() -> str:
    """How things stand."""
    now = utc_now()
    with reading() as session:
        return render_template(
            "reports/overview.html",
            report=overview(session, now),
            setup=setup(session),
            campaigns=compare_campaigns(session, _LATEST),
            feed=latest(session),
            ranks=_ranks(session),
        )


@blueprint.get("/reports/", endpoint="index")
def list_reports() -> str:
    """Segments and campaigns side by side, growth, tiers."""
    now = utc_now()
    with reading() as session:
        compared = answer(session, COMPARISON, ComparisonAsked(), now)
        return render_template(
            "reports/index.html",
            segments=compared.report,
            count=compared.count,
            kind=COMPARISON,
            asked=COMPARISON.asked(ComparisonAsked()),
            campaigns=compare_campaigns(session, _COMPARED),
            growth=growth(session, months_until(session, None, _GROWTH_MONTHS, now), now),
            tiers=tier_spread(session),
            ranks=_ranks(session),
            now=now,
        )


@blueprint.get("/campaigns/<int:campaign_id>/report")
def campaign(campaign_id: int) -> str:
    """The last step of a campaign."""

    def around(session: Session) -> dict[str, Any]:
        return {"campaign": find_campaign(session, campaign_id), "step": "report", "ranks": _ranks(session)}

    template = "reports/campaign.html"
    return page(template, CAMPAIGN, _asked(campaign_id), around, uncounted=template)


@blueprint.get(f"/campaigns/<int:campaign_id>/report.{ENDING}")
def campaign_file(campaign_id: int, ending: str) -> Response:
    """The same as a file."""
    return table(CAMPAIGN, _asked(campaign_id), ending, f"campaign-{campaign_id}", tables.campaign_table)


def _asked(campaign_id: int) -> CampaignAsked:
    with reading() as session:
        find_campaign(session, campaign_id)
    return CampaignAsked(campaign_id=campaign_id)


def _ranks(session: Session) -> dict[str, int]:
    """The tiers from the lowest, which is 0: badges are coloured by it."""
    return {tier.name: rank for rank, tier in enumerate(all_tiers(session))}
