"""The marketers' pages about people: each opens, empty and full, and does what its buttons say."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.campaigns.models import Link
from app.db import transaction
from app.delivery.models import Delivery, DeliveryState
from app.events.models import Verdict
from app.events.record import happening, record
from app.feature import house
from app.subscribers.custom_fields import add_field
from app.subscribers.kinds import CONFIRMED, SUBSCRIBED
from app.subscribers.models import (
    ConsentRecord,
    CustomField,
    FieldKind,
    SignupForm,
    Standing,
    Status,
    Subscriber,
    Suppression,
    Tag,
    Topic,
)
from app.subscribers.topics import set_tags, subscribe, tags_of
from tests import make
from tests.app.subscribers.people import confirmed, form, letters, signed_up

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


def _anna(email: str = "anna@example.org", **values: object) -> int:
    with transaction() as session:
        return make.subscriber(session, email, **values).id  # type: ignore[arg-type]


def _person(subscriber_id: int) -> Subscriber:
    with transaction() as session:
        return session.get_one(Subscriber, subscriber_id)


@pytest.mark.parametrize(
    "path", ["/subscribers/", "/subscribers/1", "/forms/", "/topics/", "/fields/", "/subscribers/new"]
)
def test_strangers_see_nothing(client: FlaskClient, path: str) -> None:
    """TRUST S16."""
    assert client.get(path).status_code == 302


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/subscribers/", "No subscribers yet"),
        ("/forms/", "No signup form yet"),
        ("/topics/", "No topics yet"),
        ("/fields/", "No custom fields yet"),
    ],
)
def test_empty_pages_say_what_to_do(marketer: FlaskClient, path: str, words: str) -> None:
    assert words in marketer.get(path).get_data(as_text=True)


def test_the_list_finds_by_beginning_status_topic_and_tag(marketer: FlaskClient) -> None:
    with transaction() as session:
        anna = make.subscriber(session, "anna@example.org", first_name="Anna", last_name="Özil")
        make.subscriber(session, "bert@example.org", first_name="Bert", status=Status.PENDING)
        news = make.topic(session)
        subscribe(session, anna.id, [news.id], NOW)
        set_tags(session, anna.id, ["vip"])
        tag = session.scalars(select(Tag)).one()

    def found(query: str) -> list[str]:
        page = marketer.get(f"/subscribers/?{query}").get_data(as_text=True)
        return sorted(set(re.findall(r"(anna|bert)@example\.org", page)))

    assert found("") == ["anna", "bert"]
    assert found("q=AN") == found("q=öz") == found("q=anna+ö") == ["anna"]
    assert found("q=%25") == found("q=a%00x") == found("q=zzz") == []
    assert found("status=pending") == ["bert"]
    assert found(f"topic={news.id}") == found(f"tag={tag.id}") == ["anna"]
    assert found("status=nonsense&topic=x&tag=-1&tier=%C2%B2") == ["anna", "bert"]


def test_the_list_has_pages(marketer: FlaskClient) -> None:
    with transaction() as session:
        for number in range(53):
            make.subscriber(session, f"p{number:02}@example.org", first_name=None)
    first = marketer.get("/subscribers/?q=p").get_data(as_text=True)
    assert "1–50 of 53" in first
    assert "q=p&amp;page=2" in first
    assert "51–53 of 53" in marketer.get("/subscribers/?q=p&page=2").get_data(as_text=True)

    def listed(query: str) -> list[str]:
        page = marketer.get(f"/subscribers/?{query}").get_data(as_text=True)
        return list(dict.fromkeys(re.findall(r"(p\d\d)@example\.org", page)))

    newest_first = [f"p{number:02}" for number in range(52, -1, -1)]
    for query in ("", "q=p&", "status=active&"):
        assert listed(f"{query}page=1") + listed(f"{query}page=2") == newest_first, query


def test_a_profile_shows_who_what_why_and_when(marketer: FlaskClient) -> None:
    with transaction() as session:
        add_field(session, "plan", "Plan", FieldKind.TEXT)
        standing = confirmed(session, NOW, wants_tracking=True)
        anna = session.get_one(Subscriber, standing.subscriber_id)
        anna.first_name, anna.attributes = SCRIPT, {"plan": "gold {{ 7*7 }}"}
        subscribe(session, anna.id, [make.topic(session, name="Cheese news").id], NOW)
        set_tags(session, anna.id, ["vip"])
        record(session, [happening(SUBSCRIBED, anna.id, NOW, verdict=Verdict.SCANNER)])
    page = marketer.get(f"/subscribers/{anna.id}").get_data(as_text=True)
    for words in ("Anna@example.org", "gold {{ 7*7 }}", "Cheese news", "vip", "192.0.2.7", "Yes, send me the cheese"):
        assert words in page
    assert "machine" in page
    assert SCRIPT not in page
    assert json.loads(marketer.get(f"/subscribers/{anna.id}/consent.json").data)["records"][0]["wording_is_intact"]
    assert json.loads(marketer.get(f"/subscribers/{anna.id}/export.json").data)["tables"]["subscriber"]


def test_the_timeline_tells_of_mails_and_of_what_was_clicked_in_them(marketer: FlaskClient) -> None:
    with transaction() as session:
        anna, campaign = make.subscriber(session), make.campaign(session, name="November cheese")
        session.add(Link(campaign_id=campaign.id, position=0, target="https://shop.example/brie"))
        ledger = {"campaign_id": campaign.id, "subscriber_id": anna.id}
        session.add(Delivery(**ledger, state=DeliveryState.SENT, sent_at=NOW))
        clicked = house().kinds["clicked"]
        later = NOW + timedelta(hours=1)
        record(session, [happening(clicked, anna.id, later, campaign_id=campaign.id, link=0, verdict=Verdict.HUMAN)])
    page = marketer.get(f"/subscribers/{anna.id}").get_data(as_text=True)
    assert page.index("November cheese → https://shop.example/brie") < page.index("Mail sent")
    assert page.count("November cheese") == 2


def test_older_entries_are_loaded_on_request(marketer: FlaskClient) -> None:
    anna = _anna()
    with transaction() as session:
        record(session, [happening(CONFIRMED, anna, NOW - timedelta(days=day)) for day in range(40)])
    assert marketer.get(f"/subscribers/{anna}").get_data(as_text=True).count("lb-timeline-title") == 30
    assert (
        marketer.get(f"/subscribers/{anna}/timeline?entries=60").get_data(as_text=True).count("lb-timeline-title") == 40
    )


def test_an_edit_changes_what_the_form_shows(marketer: FlaskClient) -> None:
    with transaction() as session:
        for kind in FieldKind:
            add_field(session, f"my_{kind}", kind.title(), kind, ["gold"] if kind is FieldKind.CHOICE else [])
        make.topic(session)
    anna = _anna(attributes={"my_date": "2026-01-02", "my_flag": False, "my_choice": "gold", "my_number": 3.5})
    page = marketer.get(f"/subscribers/{anna}/edit").get_data(as_text=True)
    assert 'value="2026-01-02"' in page
    given = {
        "email": "anna@example.org",
        "first_name": "Änne",
        "country": "AT",
        "birthday": "17.5.",
        "tags": "vip, cheese",
        "topics": ["news"],
        "attribute_my_date": "2026-02-03",
        "attribute_my_choice": "",
        "attribute_my_flag": "true",
        "attribute_my_number": "4,5",
    }
    assert marketer.post(f"/subscribers/{anna}/edit", data=given).status_code == 302
    with transaction() as session:
        person = session.get_one(Subscriber, anna)
        assert person.attributes == {"my_date": "2026-02-03", "my_flag": True, "my_number": 4.5}
        assert (person.first_name, person.standing.country, person.standing.birthday) == ("Änne", "AT", 517)
        assert tags_of(session, anna) == ["cheese", "vip"]


@pytest.mark.parametrize(
    "wrong", [{"email": "x"}, {"country": "XX"}, {"birthday": "never"}, {"tags": "x" * 101}, {"time_zone": "Mars"}]
)
def test_mistakes_stay_on_the_page(marketer: FlaskClient, wrong: dict[str, str]) -> None:
    anna = _anna()
    answer = marketer.post(
        f"/subscribers/{anna}/edit", data={"email": "anna@example.org", "first_name": "Bea", **wrong}
    )
    assert answer.status_code == 200
    assert b"is-invalid" in answer.data
    assert _person(anna).first_name == "Anna"


def test_a_person_is_added_with_a_reason(app: APIFlask, marketer: FlaskClient) -> None:
    """TRUST L5."""
    with transaction() as session:
        make.sender(session)
    given = {"email": "new@example.org", "basis": "manual"}
    assert b"Please say when" in marketer.post("/subscribers/new", data=given).data
    assert marketer.post("/subscribers/new", data={**given, "note": "Fair in Kempten"}).status_code == 302
    marketer.post("/subscribers/new", data={"email": "ask@example.org", "basis": "double_opt_in"})
    marketer.post("/subscribers/new", data={"email": "known@example.org", "basis": "none"})
    with transaction() as session:
        statuses = dict(session.execute(select(Subscriber.email, Standing.status).join(Standing)).all())  # type: ignore[arg-type]
        assert statuses == {
            "new@example.org": Status.ACTIVE,
            "ask@example.org": Status.PENDING,
            "known@example.org": Status.PENDING,
        }
        assert [letter.recipient for letter in letters(session)] == ["ask@example.org"]
        notes = [proof.wording.get("note") for proof in session.scalars(select(ConsentRecord))]
        assert "Fair in Kempten" in notes


def test_who_left_is_not_brought_back_by_hand(marketer: FlaskClient) -> None:
    """TRUST L14."""
    anna = _anna(status=Status.UNSUBSCRIBED)
    answer = marketer.post("/subscribers/new", data={"email": "ANNA@example.org", "basis": "manual", "note": "please"})
    assert answer.status_code == 409
    assert _person(anna).standing.status is Status.UNSUBSCRIBED


def test_unsubscribing_can_be_undone(marketer: FlaskClient) -> None:
    anna = _anna()
    marketer.post(f"/subscribers/{anna}/unsubscribe")
    assert _person(anna).standing.status is Status.UNSUBSCRIBED
    assert f"/subscribers/{anna}/undo" in marketer.get(f"/subscribers/{anna}").get_data(as_text=True)
    marketer.post(f"/subscribers/{anna}/undo")
    assert _person(anna).standing.status is Status.ACTIVE


def test_suppressing_lasts(marketer: FlaskClient) -> None:
    anna = _anna()
    marketer.post(f"/subscribers/{anna}/suppress")
    marketer.post(f"/subscribers/{anna}/undo")
    assert _person(anna).standing.status is Status.UNSUBSCRIBED
    with transaction() as session:
        assert session.get(Suppression, _person(anna).address_hash)


def test_erasing_takes_the_address_typed_out(marketer: FlaskClient) -> None:
    """TRUST L12."""
    anna = _anna()
    assert b"not the address" in marketer.post(f"/subscribers/{anna}/erase", data={"address": "yes"}).data
    assert _person(anna).standing.status is Status.ACTIVE
    marketer.post(f"/subscribers/{anna}/erase", data={"address": " Anna@example.org "})
    assert _person(anna).standing.status is Status.ERASED
    assert b"anna@" not in marketer.get(f"/subscribers/{anna}").data
    assert marketer.get(f"/subscribers/{anna}/erase").status_code == 409


@pytest.mark.parametrize("path", ["unsubscribe", "undo", "suppress", "tracking-off", "erase"])
def test_actions_need_a_csrf_token(app: APIFlask, marketer: FlaskClient, path: str) -> None:
    """TRUST S9."""
    anna = _anna()
    app.config["WTF_CSRF_ENABLED"] = True
    for token in ({}, {"csrf_token": "wrong"}):
        assert (
            marketer.post(f"/subscribers/{anna}/{path}", data={"address": "anna@example.org", **token}).status_code
            == 400
        )
    assert _person(anna).standing.status is Status.ACTIVE


def test_a_form_is_written_shown_and_put_away(marketer: FlaskClient, client: FlaskClient) -> None:
    with transaction() as session:
        make.sender(session)
        private = make.topic(session, "staff", is_public=False)
        news = make.topic(session)
        add_field(session, "cheese", "Favourite cheese", FieldKind.TEXT)
    page = marketer.get("/forms/new").get_data(as_text=True)
    assert "Käserei Müller" in page
    assert "Staff" not in page
    given = {
        "name": "Fair",
        "sender_id": "1",
        "language": "en",
        "title": f"Cheese {SCRIPT}",
        "intro": "ab",
        "consent_text": "Yes",
        "tracking_text": "You may",
        "inputs": ["first_name", "country", "cheese"],
    }
    refused = marketer.post("/forms/new", data={**given, "topic_ids": [private.id]})
    assert refused.status_code == 200
    assert marketer.post("/forms/new", data={**given, "topic_ids": [news.id]}).status_code == 302
    with transaction() as session:
        row = session.scalars(select(SignupForm)).one()
        assert (row.topic_ids, row.intro) == ([news.id], "ab")
    shown = marketer.get(f"/forms/{row.id}").get_data(as_text=True)
    assert f"http://localhost/f/{row.key}" in shown
    assert "attribute_cheese" in shown
    assert SCRIPT not in shown
    assert client.get(f"/f/{row.key}").status_code == 200
    marketer.post(f"/forms/{row.id}/archive")
    assert client.get(f"/f/{row.key}").status_code == 404
    marketer.post(f"/forms/{row.id}/restore")
    assert client.get(f"/f/{row.key}").status_code == 200


def test_forms_count_who_asked_and_who_confirmed(marketer: FlaskClient) -> None:
    with transaction() as session:
        form(session)
        confirmed(session, NOW, "a@example.org")
        signed_up(session, NOW, "b@example.org")
    page = marketer.get("/forms/").get_data(as_text=True)
    assert "50.0%" in page


def test_topics_fields_and_tags_are_kept(marketer: FlaskClient) -> None:
    topic = {"name": "News", "key": "news", "description": "All of it", "is_public": "y"}
    assert marketer.post("/topics/new", data=topic).status_code == 302
    assert marketer.post("/topics/new", data=topic).status_code == 409
    field = {"label": "Plan", "key": "plan", "kind": "choice", "choices": "gold\nsilver\n"}
    assert marketer.post("/fields/new", data=field).status_code == 302
    anna = _anna(attributes={"plan": "gold"})
    with transaction() as session:
        set_tags(session, anna, ["vip"])
        plan, tag, news = (session.scalars(select(table)).one() for table in (CustomField, Tag, Topic))
    assert marketer.post(f"/topics/{news.id}", data={"name": "Newer"}).status_code == 302
    assert marketer.post(f"/fields/{plan.id}", data={"label": "Tariff", "choices": "gold"}).status_code == 302
    page = marketer.get("/fields/").get_data(as_text=True)
    assert "Tariff" in page
    marketer.post(f"/fields/{plan.id}/delete", data={"key": "wrong"})
    assert _person(anna).attributes == {"plan": "gold"}
    marketer.post(f"/fields/{plan.id}/delete", data={"key": "plan"})
    marketer.post(f"/tags/{tag.id}/delete")
    assert _person(anna).attributes == {}
    with transaction() as session:
        assert tags_of(session, anna) == []
        assert (session.scalars(select(Topic)).one().name, session.scalars(select(Topic)).one().is_public) == (
            "Newer",
            False,
        )
