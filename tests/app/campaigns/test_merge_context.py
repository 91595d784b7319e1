"""What merge tags stand for, for real people."""

from apiflask import APIFlask
from sqlalchemy import event

from app.campaigns.editions import freeze, merge_tags_of
from app.campaigns.merge_context import Person, people
from app.campaigns.merge_tags import MERGE_TAGS, first_words
from app.campaigns.part import values_of
from app.db import database, transaction, utc_now
from app.subscribers.models import SubscriberTag, Tag
from tests import make

EVERYTHING = [tag.name for tag in MERGE_TAGS]


def _people(app: APIFlask, number: int, *merge_tags: str) -> tuple[dict[int, Person], list[str]]:
    """People and what the database was asked."""
    with transaction() as session:
        campaign = make.campaign(session)
        ids = [make.subscriber(session).id for _ in range(number)]
    asked: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with transaction() as session:
        found = people(session, campaign, ids, merge_tags, app.extensions["letterbond.tokens"], "https://x.example")
    return found, asked


def test_a_person_is_said_in_plain_values(app: APIFlask) -> None:
    """TRUST S1."""
    found, _asked = _people(app, 1, "first_name", *EVERYTHING)
    context = next(iter(found.values())).context
    assert context["first_name"] == "Anna"
    assert context["organisation"] == {"name": "Käserei Müller", "currency": "EUR"}
    assert context["sender"]["imprint"] == make.IMPRINT
    assert str(context["unsubscribe_url"]).startswith("https://x.example/u/")
    without_scores = {name for name in EVERYTHING if name not in {"score", "tier"}}
    assert first_words(without_scores) <= set(context)
    values_of(context)


def test_many_people_take_no_more_questions_than_few(app: APIFlask) -> None:
    _few, asked_for_few = _people(app, 2, *EVERYTHING)
    _many, asked_for_many = _people(app, 30, *EVERYTHING)
    assert len(asked_for_many) <= len(asked_for_few)


def test_what_a_mail_does_not_say_is_not_asked_for(app: APIFlask) -> None:
    found, asked = _people(app, 3, "first_name", "orders.count")
    assert all({"first_name", "orders"} < set(person.context) for person in found.values())
    assert all("preferences_url" not in person.context for person in found.values())
    assert not [question for question in asked if "product" in question or "tag" in question or "topic" in question]
    assert not [question for question in asked if "attributes" in question]


def test_lists_are_in_order_and_each_persons_own(app: APIFlask) -> None:
    """S19"""
    with transaction() as session:
        campaign = make.campaign(session)
        ids = [make.subscriber(session).id for _ in range(2)]
        for name in ("tee", "Alpen", "käse"):
            tag = Tag(name=name)
            session.add(tag)
            session.flush()
            session.add(SubscriberTag(tag_id=tag.id, subscriber_id=ids[1]))
        session.flush()
        found = people(session, campaign, ids, ["tags"], app.extensions["letterbond.tokens"], "https://x.example")
    assert [found[key].context["tags"] for key in ids] == [[], ["Alpen", "käse", "tee"]]


def test_a_released_campaign_knows_the_tags_of_its_edition(app: APIFlask) -> None:
    with transaction() as session:
        campaign = make.campaign(session)
        campaign.html = "<p>{{ first_name }} {{ orders.count }}</p>"
        freeze(session, campaign, utc_now())
        assert merge_tags_of(session, campaign) == ("first_name", "orders.count")
