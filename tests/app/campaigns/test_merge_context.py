"""What merge tags stand for, for real people."""

from typing import Any

from apiflask import APIFlask
from sqlalchemy import event

from app.campaigns.merge_context import contexts
from app.db import database, transaction
from tests import make


def _contexts(app: APIFlask, people: int) -> tuple[dict[int, dict[str, Any]], int]:
    with transaction() as session:
        campaign = make.campaign(session)
        ids = [make.subscriber(session).id for _ in range(people)]
    asked: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with transaction() as session:
        found = contexts(session, campaign, ids, app.extensions["letterbond.tokens"], "https://x.example")
    return found, len(asked)


def test_a_person_is_said_in_plain_values(app: APIFlask) -> None:
    """TRUST S1."""
    found, _asked = _contexts(app, 1)
    context = next(iter(found.values()))
    assert context["first_name"] == "Anna"
    assert context["organisation"] == {"name": "Käserei Müller", "currency": "EUR"}
    assert context["sender"]["imprint"] == make.IMPRINT
    assert str(context["unsubscribe_url"]).startswith("https://x.example/u/")


def test_many_people_take_no_more_questions_than_few(app: APIFlask) -> None:
    _few, asked_for_few = _contexts(app, 2)
    _many, asked_for_many = _contexts(app, 30)
    assert asked_for_many <= asked_for_few
