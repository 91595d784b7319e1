"""Where links lead, kept in memory, so that a click needs no database and works while it is down.

In charge of: the targets of the campaigns clicked lately, as stored at the release (DESIGN 5.9): they never change
after the launch. Not of: whether an address was signed here (`campaigns/urls.py`).
"""

import re
from collections import OrderedDict

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.campaigns.models import Link
from app.db import Database

_CAMPAIGNS = 2000
_SAFE = re.compile(r"(?:https?://|mailto:|tel:)[\x21-\x7e]+", re.IGNORECASE)


class TargetsAway(Exception):
    """The database cannot be asked, and memory does not know."""


class Targets:
    """Link targets by campaign and position."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[int, dict[int, str]] = OrderedDict()

    def find(self, campaign_id: int, index: int) -> str | None:
        """Where the link leads; None if there is no such link. Raises TargetsAway."""
        links = self._known.get(campaign_id)
        if links is None:
            links = self._load(campaign_id)
        return links.get(index)

    def _load(self, campaign_id: int) -> dict[int, str]:
        query = select(Link.position, Link.target).where(Link.campaign_id == campaign_id)
        try:
            with self._database.reading() as session:
                links = dict(session.execute(query).all())
        except SQLAlchemyError as error:
            raise TargetsAway from error
        if links:
            self._known[campaign_id] = links
            while len(self._known) > _CAMPAIGNS:
                self._known.popitem(last=False)
        return links


def is_safe(target: str) -> bool:
    """Whether a reader may be sent there: no script, no line break into the next header (S6)."""
    return bool(_SAFE.fullmatch(target))
