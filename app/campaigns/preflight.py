"""What stands between a draft and its readers: the list on the review page, and the gate of every release.

In charge of: what only the database knows (audience, sender, sampled people), on top of what `lint.py` sees in the
source alone. A blocker keeps a campaign from being released through any door; a warning is said and left to people.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.audiences.audience import audience
from app.campaigns.edition import Edition
from app.campaigns.editions import compiled
from app.campaigns.lint import Draft, Finding, Level, lint
from app.campaigns.models import Campaign, CampaignState
from app.campaigns.preview import PRESETS, preset_contexts, subscriber_contexts
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import DirectUrls, Renderer, RenderFailed
from app.errors import Refused
from segments.label import Label

_SAMPLE = 50
_SOON = timedelta(hours=24)


def preflight(session: Session, campaign: Campaign, now: datetime) -> tuple[Finding, ...]:
    """Everything to say before `campaign` is sent; what blocks comes first."""
    try:
        edition = compiled(campaign)
    except TemplateInvalid as error:
        return tuple(Finding(Level.BLOCK, "template", problem.message, problem.line) for problem in error.problems)
    sender = session.get_one(Sender, campaign.sender_id)
    draft = Draft(campaign.subject, campaign.preheader, campaign.html, campaign.from_name or sender.name)
    found = [
        *lint(draft, edition),
        *_sender(sender),
        *_audience(session, campaign, now),
        *_samples(session, campaign, edition, now),
        *_untested(campaign),
        *_neighbours(session, campaign, now),
    ]
    return tuple(sorted(found, key=lambda finding: finding.level))


def blockers(session: Session, campaign: Campaign, now: datetime) -> tuple[Finding, ...]:
    """What keeps the campaign from being sent; empty when it may go."""
    return tuple(finding for finding in preflight(session, campaign, now) if finding.level is Level.BLOCK)


def _sender(sender: Sender) -> Iterator[Finding]:
    """TRUST L7."""
    if not sender.imprint.strip():
        yield Finding(Level.BLOCK, "no-imprint-text", _NO_IMPRINT, fix="sender")


def _audience(session: Session, campaign: Campaign, now: datetime) -> Iterator[Finding]:
    try:
        people = audience(session, campaign.included, campaign.excluded, campaign.topic_id, now)
    except Refused as error:
        yield Finding(Level.BLOCK, "audience", Label(error.message, error.message), fix="audience")
        return
    if session.execute(people.limit(1)).first() is None:
        yield Finding(Level.BLOCK, "nobody", _NOBODY, fix="audience")


def _samples(session: Session, campaign: Campaign, edition: Edition, now: datetime) -> Iterator[Finding]:
    """Render for people spread over the audience and for the awkward presets: all must get a mail."""
    renderer, urls = Renderer(edition), DirectUrls(edition.links)
    for who, context in _contexts(session, campaign, edition, now):
        try:
            renderer.render(context, urls)
        except RenderFailed as error:
            yield Finding(Level.BLOCK, "render", _failed(who, error), error.line)
            return


def _contexts(
    session: Session, campaign: Campaign, edition: Edition, now: datetime
) -> Iterator[tuple[Label, Mapping[str, Any]]]:
    for key, context in preset_contexts(session, campaign).items():
        yield PRESETS[key][0], context
    try:
        people = audience(session, campaign.included, campaign.excluded, campaign.topic_id, now)
    except Refused:
        return
    ids = session.scalars(people.order_by(func.random()).limit(_SAMPLE)).all()
    for found in subscriber_contexts(session, campaign, edition, ids).values():
        yield Label(found["email"], found["email"]), found


def _untested(campaign: Campaign) -> Iterator[Finding]:
    if campaign.tested_revision != campaign.revision:
        yield Finding(Level.WARN, "untested", _UNTESTED, fix="test")


def _neighbours(session: Session, campaign: Campaign, now: datetime) -> Iterator[Finding]:
    """Two mails in a day are one too many for most people."""
    soon = select(Campaign.name).where(
        Campaign.id != campaign.id,
        Campaign.state.not_in((CampaignState.DRAFT, CampaignState.CANCELLED)),
        Campaign.send_after.between(now - _SOON, now + _SOON),
    )
    for name in session.scalars(soon.limit(3)):
        yield Finding(Level.WARN, "neighbour", _neighbour(name), fix="audience")


def _failed(who: Label, error: RenderFailed) -> Label:
    return Label(
        f"The mail for “{who.en}” cannot be made: {error.message.en}",
        f"Die Mail für „{who.de}“ lässt sich nicht erzeugen: {error.message.de}",
    )


def _neighbour(name: str) -> Label:
    return Label(
        f"“{name}” goes out within a day of this campaign: some people get both.",
        f"„{name}“ geht innerhalb eines Tages ebenfalls hinaus: Manche bekommen beide.",
    )


_NO_IMPRINT = Label(
    "The sender identity has no imprint. Add it under Settings → Senders.",
    "Der Absender hat kein Impressum. Ergänzen Sie es unter Einstellungen → Absender.",
)
_NOBODY = Label(
    "Nobody would get this mail: no active subscriber is in the audience.",
    "Niemand bekäme diese Mail: In der Zielgruppe ist kein aktiver Abonnent.",
)
_UNTESTED = Label(
    "No test mail has been sent since the last change.", "Seit der letzten Änderung wurde keine Testmail verschickt."
)
