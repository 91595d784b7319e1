"""A world for visitors: a form, and people at every step of their way, all in one language.

In charge of: the addresses that its links lead to. Not of: looking at what is there.
"""

from datetime import timedelta

from flask import current_app
from sqlalchemy.orm import Session

from app.accounts.setup import setup_token
from app.campaigns.editions import freeze
from app.campaigns.layouts import find_layout
from app.db import utc_now
from app.subscribers.custom_fields import add_field
from app.subscribers.links import confirm_url, preferences_url, tracking_off_url, unsubscribe_url
from app.subscribers.models import FieldKind
from app.subscribers.signup import VALID, confirm
from app.subscribers.topics import subscribe
from app.tokens import Purpose
from tests import make
from tests.app.subscribers.people import form, signed_up

ADDRESS = "anna.aus-einem-langen-namen@eine-recht-lange-domain.example"
WORDS = {
    "en": {
        "title": "News from the dairy",
        "intro": "Every other Friday: what is ripe, what is new, and a recipe.",
        "consent_text": "Yes, Käserei Müller may send me its newsletter by email.",
        "tracking_text": "Käserei Müller may see which mails I open and which links I click, to send me what fits.",
    },
    "de": {
        "title": "Neues aus der Käserei",
        "intro": "Jeden zweiten Freitag: was reif ist, was neu ist, und ein Rezept.",
        "consent_text": "Ja, die Käserei Müller darf mir ihren Newsletter per E-Mail schicken.",
        "tracking_text": "Die Käserei Müller darf sehen, welche Mails ich öffne und welche Links ich anklicke.",
    },
}


def fill(session: Session, language: str) -> dict[str, str]:
    """Write the world; what is found there, by name."""
    topics = [make.topic(session, key, name=name) for key, name in (("news", "Käsebrief"), ("club", "Club"))]
    ids = [topic.id for topic in topics]
    add_field(session, "cheese", "Lieblingskäse", FieldKind.CHOICE, ["Gouda", "Bergkäse"])
    inputs = ["first_name", "last_name", "birthday", "country", "cheese"]
    row = form(session, language=language, inputs=inputs, topic_ids=ids, **WORDS[language])
    person = make.subscriber(session, ADDRESS, language=language)
    subscribe(session, person.id, ids, utc_now())
    tokens = current_app.extensions["letterbond.tokens"]
    return {
        "setup": f"/setup/{setup_token(session, tokens)}",
        "form": f"/f/{row.key}",
        **_confirmations(session),
        "leave": unsubscribe_url(tokens, "", person.id, 0),
        "leave topic": unsubscribe_url(tokens, "", person.id, 0, ids[0]),
        "preferences": preferences_url(tokens, "", person.id, 0),
        "tracking": tracking_off_url(tokens, "", person.id, 0),
        "mail": f"/view/{tokens.sign(Purpose.WEBVIEW, _campaign(session, row.sender_id, language), person.id, 0)}",
    }


def _confirmations(session: Session) -> dict[str, str]:
    """Links in the mails of three people: one has just asked, one has confirmed, one has waited too long."""
    now, tokens = utc_now(), current_app.extensions["letterbond.tokens"]
    asked = {"waiting": now, "confirmed": now, "expired": now - VALID - timedelta(days=1)}
    proofs = {name: signed_up(session, at, f"{name}@example.org").id for name, at in asked.items()}
    confirm(session, proofs["confirmed"], now, None)
    return {name: confirm_url(tokens, "", proof) for name, proof in proofs.items()}


def _campaign(session: Session, sender_id: int, language: str) -> int:
    layout = find_layout(f"newsletter.{language}")
    assert layout is not None
    campaign = make.campaign(session, sender_id=sender_id, language=language, html=layout.html, subject=layout.subject)
    freeze(session, campaign, utc_now())
    return campaign.id
