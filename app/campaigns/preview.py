"""A campaign as one person would get it, before anything is sent: real people, and the awkward cases by name.

Previews use direct links and no pixel: looking at a draft is not a hit, and nothing in it can be clicked into an event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Sender
from app.accounts.organisation import organisation
from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.editions import compiled
from app.campaigns.merge_context import common, people
from app.campaigns.merge_tags import example_context
from app.campaigns.models import Campaign
from app.campaigns.problem import TemplateInvalid, TemplateProblem
from app.campaigns.render import DirectUrls, Rendered, Renderer
from app.errors import Invalid
from app.intake import whole_or_none
from app.subscribers.models import Standing, Status, Subscriber
from segments.label import Label

# People of whom little or much is known: templates break on them first.
PRESETS: Mapping[str, tuple[Label, dict[str, Any]]] = {
    "nobody": (Label("Nothing is known", "Nichts ist bekannt"), {}),
    "german": (
        Label("Anna, Loyal, German", "Anna, Loyal, deutsch"),
        {"first_name": "Anna", "last_name": "Weiß", "language": "de", "country": "DE", "tier": "Loyal", "score": 128.0},
    ),
    "english": (
        Label("James, New, English", "James, New, englisch"),
        {"first_name": "James", "last_name": "O’Neil", "language": "en", "country": "GB", "tier": "New", "score": 3.0},
    ),
}

_OFFERED = 20

_BLANK: dict[str, Any] = {
    "email": "anna@example.org",
    "attributes": {},
    "tags": [],
    "topics": [],
    "products": [],
    "orders": {"count": 0, "sum": 0, "last_at": None},
}


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a preview speaks to: a preset's key or a subscriber's id."""

    key: str

    @property
    def subscriber_id(self) -> int | None:
        """The id, if it is a subscriber."""
        return whole_or_none(self.key)


def problems(campaign: Campaign) -> tuple[TemplateProblem, ...]:
    """What keeps the campaign from compiling; empty when it compiles."""
    try:
        compiled(campaign)
    except TemplateInvalid as error:
        return error.problems
    return ()


def preview(session: Session, campaign: Campaign, person: Person) -> Rendered:
    """The mail as `person` would get it; raises TemplateInvalid, RenderFailed or Invalid."""
    edition = compiled(campaign)
    return Renderer(edition).render(_context(session, campaign, edition, person), DirectUrls(edition.links))


def people_to_preview(session: Session, start: str = "") -> Sequence[Subscriber]:
    """Active people to choose from, whose address begins with `start`."""
    found = select(Subscriber).join(Standing).where(Standing.status == Status.ACTIVE)
    if start:
        found = found.where(Subscriber.address_key.startswith(start.casefold(), autoescape=True))
    # By the key of the rows that are asked: without knowing the limit, SQLite would sort everybody else.
    return session.scalars(found.order_by(Standing.subscriber_id).limit(_OFFERED)).all()


def preview_layout(session: Session, html: str, language: str) -> str:
    """A layout filled in with examples, from the first sender."""
    sender = session.scalars(select(Sender).order_by(Sender.id)).first()
    given = {"name": sender.name, "imprint": sender.imprint} if sender else {"name": "Letterbond", "imprint": ""}
    own = organisation(session)
    context = {**_example(), **PRESETS["german" if language == "de" else "english"][1], "sender": given}
    context["organisation"] = {"name": own.name, "currency": own.currency} if own else {"name": given["name"]}
    edition = compile_edition("", "", html)
    return Renderer(edition).render(context, DirectUrls(edition.links)).html


def preset_contexts(session: Session, campaign: Campaign) -> dict[str, dict[str, Any]]:
    """The merge context of each preset."""
    links = dict.fromkeys(("unsubscribe_url", "preferences_url", "tracking_off_url"), "https://example.org/")
    return {
        key: {**(_example() if values else _BLANK), **common(session, campaign), **links, **values}
        for key, (_label, values) in PRESETS.items()
    }


def subscriber_contexts(
    session: Session, campaign: Campaign, edition: Edition, ids: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    """The merge contexts of real people, with their own links."""
    found = people(session, campaign, ids, edition.merge_tags, *_links())
    return {key: person.context for key, person in found.items()}


def _example() -> dict[str, Any]:
    """Examples without pictures: a preview must not ask a foreign host for one."""
    context = example_context()
    product = {**context["products"][0], "image": None}
    return {**context, "products": [product] * 3}


def _context(session: Session, campaign: Campaign, edition: Edition, person: Person) -> Mapping[str, Any]:
    if person.subscriber_id is None:
        return preset_contexts(session, campaign).get(person.key) or preset_contexts(session, campaign)["nobody"]
    found = subscriber_contexts(session, campaign, edition, [person.subscriber_id])
    if not found:
        raise Invalid("There is no such subscriber.")
    return found[person.subscriber_id]


def _links() -> tuple[Any, str]:
    return current_app.extensions["letterbond.tokens"], current_app.extensions["letterbond.config"].base_url
