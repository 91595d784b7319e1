"""Where links lead, kept in memory and in a folder, so that a click needs no database and works while it is down.

In charge of: the targets of the campaigns that were opened or clicked here, as stored at the release (DESIGN 5.9): they
never change after the launch. A web process that starts while the database is down finds them in the folder. Not of:
whether an address was signed here (`campaigns/urls.py`).
"""

import json
import logging
import math
import os
import re
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from time import monotonic

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.campaigns.models import Link
from app.db import Database

log = logging.getLogger(__name__)

_CAMPAIGNS = 2000
# Seconds between two attempts to load the links of a campaign for its opens.
_PATIENCE = 10
_SAFE = re.compile(r"(?:https?://|mailto:|tel:)[\x21-\x7e]+", re.IGNORECASE)


class TargetsAway(Exception):
    """The database cannot be asked, and neither memory nor the folder knows."""


class Targets:
    """Link targets by campaign and position."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._known: OrderedDict[int, dict[int, str]] = OrderedDict()
        self._tried: dict[int, float] = {}

    def known(self, campaign_id: int, index: int) -> str | None:
        """Where the link leads, if memory knows."""
        links = self._known.get(campaign_id)
        return links.get(index) if links else None

    def wanted(self, campaign_id: int) -> bool:
        """Whether it is time to load a campaign that is not in memory, as an open announces clicks."""
        if campaign_id in self._known:
            return False
        return monotonic() - self._tried.get(campaign_id, -math.inf) > _PATIENCE

    def prepare(self, campaign_id: int) -> None:
        """Load a campaign before it is clicked; not at once again if the database is away."""
        if self.wanted(campaign_id):
            if len(self._tried) > _CAMPAIGNS:
                self._tried.clear()
            self._tried[campaign_id] = monotonic()
            with suppress(TargetsAway):
                self.load(campaign_id)

    def find(self, campaign_id: int, index: int) -> str | None:
        """Where the link leads; None if there is no such link. Raises TargetsAway."""
        return self.load(campaign_id).get(index)

    def load(self, campaign_id: int) -> dict[int, str]:
        """All links of a campaign, from now on in memory. Raises TargetsAway."""
        links = self._known.get(campaign_id)
        if links is None:
            links = self._asked(campaign_id)
            if links:
                self._known[campaign_id] = links
                while len(self._known) > _CAMPAIGNS:
                    self._known.popitem(last=False)
        return links

    def _asked(self, campaign_id: int) -> dict[int, str]:
        query = select(Link.position, Link.target).where(Link.campaign_id == campaign_id)
        file = self._folder / f"{campaign_id}.json"
        try:
            with self._database.reading() as session:
                links = dict(session.execute(query).all())
        except SQLAlchemyError as error:
            try:
                return dict(json.loads(file.read_bytes()))
            except (OSError, ValueError):
                raise TargetsAway from error
        if links:
            _write(file, links)
        return links


def is_safe(target: str) -> bool:
    """Whether a reader may be sent there: no script, no line break into the next header (S6)."""
    return bool(_SAFE.fullmatch(target))


def _write(file: Path, links: dict[int, str]) -> None:
    """All at once, so that nobody reads half of it; without it, clicks only depend on the database once more."""
    new = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(exist_ok=True)
        new.write_text(json.dumps(sorted(links.items())))
        new.replace(file)
    except OSError as error:
        log.warning("the links of a campaign could not be written to %s: %s", file, error)
