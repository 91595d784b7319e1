"""A sent mail in the browser, for those whose mail program shows it badly: the `webview_url` of every mail."""

from flask import Response, current_app
from sqlalchemy.orm import Session

from app.accounts.access import for_visitors
from app.campaigns.editions import edition_of
from app.campaigns.merge_context import people
from app.campaigns.models import Campaign
from app.campaigns.render import DirectUrls, Renderer
from app.db import reading
from app.errors import NotFound
from app.headers import as_mail
from app.subscribers.models import Subscriber
from app.tokens import Purpose

blueprint = for_visitors("webview", __name__)


@blueprint.get("/view/<token>")
def view(token: str) -> Response:
    """The mail as it was sent to the person of this link; it counts nothing and its links are direct."""
    tokens = current_app.extensions["letterbond.tokens"]
    numbers = tokens.read(Purpose.WEBVIEW, token)
    if not numbers:
        raise NotFound("There is no such page.")
    with reading() as session:
        return as_mail(_html(session, *numbers))


def _html(session: Session, campaign_id: int, subscriber_id: int, epoch: int) -> str:
    campaign, person = session.get(Campaign, campaign_id), session.get(Subscriber, subscriber_id)
    if not campaign or not campaign.edition_id or not person or person.token_epoch != epoch:
        raise NotFound("There is no such page.")
    tokens, base_url = current_app.extensions["letterbond.tokens"], current_app.extensions["letterbond.config"].base_url
    edition = edition_of(session, campaign_id)
    found = people(session, campaign, [subscriber_id], edition.merge_tags, tokens, base_url)[subscriber_id]
    return Renderer(edition).render(found.context, DirectUrls(edition.links)).html
