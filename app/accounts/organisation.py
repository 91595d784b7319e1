"""The organisation of this installation, as requests need it: name, time zone, currency."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import g, has_request_context
from flask_babel import format_currency
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.db import reading

UTC_ZONE = ZoneInfo("UTC")


def organisation(session: Session) -> Organisation | None:
    """The organisation; None before the first-run setup."""
    return session.get(Organisation, 1)


def time_zone(session: Session) -> ZoneInfo:
    """The zone in which days and months begin."""
    found = organisation(session)
    return ZoneInfo(found.time_zone) if found else UTC_ZONE


def this_organisation() -> Organisation | None:
    """The organisation, read once per request."""
    if not has_request_context():
        with reading() as session:
            return organisation(session)
    if "organisation" not in g:
        with reading() as session:
            g.organisation = organisation(session)
    found: Organisation | None = g.organisation
    return found


def amount(minor: int | None) -> str:
    """Minor units of the organisation's currency as the reader writes money; an en dash for None."""
    if minor is None:
        return "–"
    found = this_organisation()
    return str(format_currency(Decimal(minor) / 100, found.currency if found else "EUR"))
