"""Hits counted per campaign, hour and verdict: totals that name nobody."""

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code
from app.events.models import Verdict

# `position` of an open: it has no link.
NO_LINK = -1
# `position` of a link that only one person's values made: it is not in the campaign's table.
OWN_LINK = -2


class HitCount(Base):
    """How many hits of a kind a campaign had in one hour. Aggregate tracking leaves only this (TRUST L8)."""

    __tablename__ = "hit_count"
    __table_args__ = ({"sqlite_with_rowid": False},)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    verdict: Mapped[Verdict] = mapped_column(Code(Verdict), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    hits: Mapped[int]
