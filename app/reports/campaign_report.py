"""The report of a campaign, as one value: page, CSV and API show it.

Three kinds of numbers are kept apart. Mails come from the ledger. People who opened, clicked or bought can only be
those measured personally, and rates are shares of these. Hits are all that reached us, of aggregate tracking too, and
name nobody. Not in charge of how each is counted (`campaign_people`, `campaign_hits`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.campaigns.models import CampaignState
from app.campaigns.schedule import find
from app.delivery.models import DeliveryState
from app.reports import campaign_hits, campaign_people
from app.reports.campaign_hits import Hour, LinkHits, MachineHits
from app.reports.campaign_people import Group, Reached, Sales

# An order counts for a campaign when it was made so soon after the reader's first click in it.
ATTRIBUTION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """`books` are the people of the audience by what became of their mail; `hours` the first 48 from the start."""

    campaign_id: int
    name: str
    subject: str
    state: CampaignState
    started_at: datetime | None
    as_of: datetime
    audience: int
    books: dict[DeliveryState, int]
    people: Reached
    unsubscribed: int
    complained: int
    sales: Sales
    hits: tuple[MachineHits, ...]
    hours: tuple[Hour, ...]
    links: tuple[LinkHits, ...]
    tiers: tuple[Group, ...]
    segments: tuple[Group, ...]


def campaign_report(session: Session, campaign_id: int, now: datetime) -> CampaignReport:
    """The report as of now; NotFound. Before the start all numbers are zero."""
    campaign = find(session, campaign_id)
    books = campaign_people.books(session, campaign_id)
    unsubscribed, complained = campaign_people.gone(session, campaign_id)
    return CampaignReport(
        campaign_id=campaign_id,
        name=campaign.name,
        subject=campaign.subject,
        state=campaign.state,
        started_at=campaign.started_at,
        as_of=now,
        audience=sum(books.values()),
        books=books,
        people=campaign_people.reached(session, campaign_id),
        unsubscribed=unsubscribed,
        complained=complained,
        sales=campaign_people.sales(session, campaign_id, ATTRIBUTION),
        hits=campaign_hits.by_verdict(session, campaign_id),
        hours=campaign_hits.by_hour(session, campaign_id, campaign.started_at, now),
        links=campaign_hits.by_link(session, campaign_id),
        tiers=campaign_people.by_tier(session, campaign_id),
        segments=campaign_people.by_segment(session, campaign_id, campaign.started_at),
    )
