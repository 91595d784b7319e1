"""What campaigns know about events: the name of the mail, and where the clicked link leads."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, Link
from app.events.models import Event


def captions(session: Session, events: Sequence[Event]) -> dict[int, str]:
    """A line for each event that a campaign caused, by event id; two queries for all of them."""
    ids = {event.campaign_id for event in events if event.campaign_id}
    names = {row.id: row.name for row in session.scalars(select(Campaign).where(Campaign.id.in_(ids)))}
    links = session.scalars(select(Link).where(Link.campaign_id.in_(ids)))
    targets = {(link.campaign_id, link.position): link.target for link in links}
    lines: dict[int, str] = {}
    for event in events:
        name = names.get(event.campaign_id or 0)
        target = targets.get((event.campaign_id or 0, event.link)) if event.link is not None else None
        if name:
            lines[event.id] = f"{name} → {target}" if target else name
    return lines
