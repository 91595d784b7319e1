"""Whatever is sent to whatever address: the answer says what is wrong with it, and is never an error of ours."""

import io
import json
import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask import got_request_exception
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.audiences.segment import create as create_segment
from app.campaigns.drafts import create as create_campaign
from app.campaigns.layouts import layouts
from app.db import transaction
from app.feature import house
from app.importing import uploads
from app.shop.orders import NewOrder, ProductWords, save_products, take_orders
from app.subscribers import public_signup
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind, SignupForm
from app.tokens import Purpose, Tokens
from tests import make
from tests.conftest import NOW
from tests.house import fuzz

EVERYBODY = {"all": []}
# Read before any view is; tried on the first page alone.
EVERY_PAGES = {"lang", "auth_token", "csrf_token"}
# What ends a thing comes last: the others need it alive.
_ENDING = ("archive", "cancel", "delete", "erase", "undo", "revoke", "suppress", "unsubscribe", "/u/")
_TOKENS = {
    "signup.confirm_page": (Purpose.CONFIRM, 1),
    "signup.confirmed": (Purpose.CONFIRM, 1),
    "choices.preferences": (Purpose.PREFERENCES, 1, 0),
    "choices.tracking_page": (Purpose.PREFERENCES, 1, 0),
    "choices.tracking_off": (Purpose.PREFERENCES, 1, 0),
    "choices.leave_page": (Purpose.UNSUBSCRIBE, 1, 0, 0, 0),
    "choices.leave": (Purpose.UNSUBSCRIBE, 1, 0, 0, 0),
    "choices.come_back": (Purpose.UNSUBSCRIBE, 1, 0, 0, 0),
    "webview.view": (Purpose.WEBVIEW, 1, 1, 0),
}


def _ends(rule: Rule) -> bool:
    return any(word in rule.rule for word in _ENDING)


class Siege:
    """Sends requests and keeps those that ended in an error of ours."""

    def __init__(self, app: APIFlask, visitor: FlaskClient, marketer: FlaskClient, machine: FlaskClient) -> None:
        self.app = app
        self.errors: list[str] = []
        self.sent = 0
        self._clients = {"visitors": visitor, "marketers": marketer, "machines": machine}
        self._tokens: Tokens = app.extensions["letterbond.tokens"]
        self._raised: list[BaseException] = []
        got_request_exception.connect(self._note, app)

    def _note(self, _app: APIFlask, exception: BaseException, **_: Any) -> None:
        self._raised.append(exception)

    def rules(self, access: str) -> list[Rule]:
        """The addresses of this kind of caller, those that end something last."""
        found = [each for each in self.app.url_map.iter_rules() if self._access(each) == access]
        # /healthz answers 503 while no worker runs, as it should.
        found = [each for each in found if each.endpoint != "health.healthz"]
        return sorted(found, key=lambda rule: (rule.rule == "/logout", "DELETE" in rule.methods, _ends(rule)))

    def _access(self, rule: Rule) -> str | None:
        blueprint = rule.endpoint.partition(".")[0]
        if blueprint == "security":
            return "marketers"
        return getattr(self.app.blueprints.get(blueprint), "access", None)

    def address(self, rule: Rule, number: int = 1) -> str:
        """An address under which there is something, unless `number` is another than 1."""
        purpose, *numbers = _TOKENS.get(rule.endpoint, (Purpose.SETUP, 1))
        words = {"token": self._tokens.sign(purpose, *numbers), "key": "form", "name": layouts()[0].name}
        found = re.sub("<int:[a-z_]+>", str(number), rule.rule)
        return re.sub("<(?:path:)?([a-z_]+)>", lambda name: words.get(name[1], "a"), found)

    def current(self, rule: Rule, base: dict[str, Any], document: dict[str, Any], number: int) -> dict[str, Any]:
        """The document with a free name and the revision that is there now, unless these are spoilt."""
        fresh = {name: f"{name}{number}" for name in ("key", "name") if name in base}
        if "revision" in base:
            fresh["revision"] = json.loads(self.send("machines", "GET", self.address(rule)))["revision"]
        return {**document, **{name: value for name, value in fresh.items() if document[name] == base[name]}}

    def send(self, access: str, method: str, address: str, **what: Any) -> str:
        """The text of the answer."""
        self._raised.clear()
        self.sent += 1
        place = f"10.{self.sent >> 16 & 255}.{self.sent >> 8 & 255}.{self.sent & 255}"
        answer = self._clients[access].open(address, method=method, environ_base={"REMOTE_ADDR": place}, **what)
        if answer.status_code >= 500:
            cause = f"{type(self._raised[0]).__name__}: {str(self._raised[0])[:200]}" if self._raised else answer.text
            self.errors.append(f"{method} {address[:100]} {str(what)[:300]}: {cause}")
        return answer.text


@pytest.fixture
def siege(
    app: APIFlask, client: FlaskClient, marketer: FlaskClient, api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> Siege:
    """A house in which every kind of thing exists once, under the number 1."""
    monkeypatch.setitem(app.config, "TESTING", False)
    listening = type("Listening", (app.request_class,), {"parameter_storage_class": fuzz.Listening})
    monkeypatch.setattr(app, "request_class", listening)
    monkeypatch.setattr(public_signup, "ANSWER_SECONDS", 0)
    monkeypatch.setattr(public_signup, "FILL_TIME", timedelta(0))
    with transaction() as session:
        house().write_defaults(session, NOW)
        person = make.subscriber(session, "anna@example.org", attributes={"plan": "gold"})
        make.topic(session)
        add_field(session, "seats", "Seats", FieldKind.NUMBER)
        add_field(session, "plan", "Plan", FieldKind.CHOICE, ["gold"])
        create_segment(session, "Everybody", EVERYBODY, NOW)
        sender = make.sender(session)
        create_campaign(session, "November", layouts()[0], NOW)
        products = save_products(session, [ProductWords("cheese", "Cheese", None, None, 100)])
        take_orders(session, [NewOrder("1", person.id, NOW, 100, 1, products["cheese"])])
        words = {"title": "News", "consent_text": "Yes", "tracking_text": "Yes", "inputs": ["first_name", "plan"]}
        form = {"key": "form", "name": "News", "sender_id": sender.id, "language": "en", "created_at": NOW}
        session.add(SignupForm(**form, **words, topic_ids=[1]))
        file = uploads.keep(io.BytesIO(b"email,name,plan,note\nanna@example.org,Anna,gold,x\nbroken,Bert,,\n"))
        uploads.take_in(session, "subscribers", file, "people.csv", NOW)
    return Siege(app, client, marketer, api)


@pytest.mark.parametrize("access", ["visitors", "marketers"])
def test_no_page_fails_whatever_is_sent(siege: Siege, access: str) -> None:
    """TRUST S5, S16: every page, every method, every name that it reads."""
    pages: dict[str, dict[str, str]] = defaultdict(dict)
    for rule in siege.rules(access):
        if "GET" in rule.methods:
            parser = fuzz.Inputs()
            parser.feed(siege.send(access, "GET", siege.address(rule)))
            pages[rule.endpoint.partition(".")[0]] |= parser.values
    for rule in siege.rules(access):
        for method in sorted(rule.methods - {"GET"}):
            siege.send(access, method, siege.address(rule, 2**63))
            siege.send(access, method, siege.address(rule, 10**40))
        _ask(siege, access, rule)
        if "POST" in rule.methods:
            _post(siege, access, rule, pages[rule.endpoint.partition(".")[0]])
    assert siege.errors == []
    assert siege.sent > 100


def test_no_call_fails_whatever_is_sent(siege: Siege) -> None:
    """TRUST S5, S16: every call, every member of every body, every argument, every kind of body."""
    siege.send("machines", "GET", "/api/v1/openapi.json")
    described = siege.app.spec
    for rule in siege.rules("machines"):
        path = described["paths"][rule.rule.replace("<int:", "{").replace(">", "}")]
        for method in sorted(rule.methods):
            siege.send("machines", method, siege.address(rule, 2**63))
            siege.send("machines", method, siege.address(rule, 0))
            call = path.get(method.lower(), {})
            body = call.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                _send_bodies(siege, rule, method, body["schema"], described["components"]["schemas"])
            names = [each["name"] for each in call.get("parameters", ()) if each["in"] == "query"]
            for arguments in fuzz.forms(dict.fromkeys(names, "1")):
                siege.send("machines", method, siege.address(rule), query_string=arguments)
    assert siege.errors == []
    assert siege.sent > 500


def _ask(siege: Siege, access: str, rule: Rule) -> None:
    if "GET" not in rule.methods:
        return
    fuzz.Listening.asked.clear()
    siege.send(access, "GET", siege.address(rule))
    names = fuzz.Listening.asked - EVERY_PAGES
    for arguments in fuzz.forms(dict.fromkeys(sorted(names), "1")):
        siege.send(access, "GET", siege.address(rule), query_string=arguments)


def _post(siege: Siege, access: str, rule: Rule, known: dict[str, str]) -> None:
    fuzz.Listening.asked.clear()
    siege.send(access, "POST", siege.address(rule), data={})
    asked = fuzz.Listening.asked - EVERY_PAGES
    names = asked | known.keys() if fuzz.ALL in asked else asked
    for data in fuzz.forms({name: known.get(name, "a") for name in sorted(names)}):
        siege.send(access, "POST", siege.address(rule), data=data)
    for content_type in fuzz.TYPES:
        siege.send(access, "POST", siege.address(rule), data=b"\xff\x00{", content_type=content_type)


def _send_bodies(siege: Siege, rule: Rule, method: str, schema: Any, schemas: Any) -> None:
    base = fuzz.example(schema, schemas)
    siege.send("machines", method, siege.address(rule), json=base)
    for number, document in enumerate(fuzz.spoilt(base, fuzz.members(schema, schemas))):
        siege.send("machines", method, siege.address(rule), json=siege.current(rule, base, document, number))
    for body in fuzz.BODIES:
        siege.send("machines", method, siege.address(rule), data=body, content_type="application/json")
    for content_type in fuzz.TYPES:
        siege.send("machines", method, siege.address(rule), data=b"{", content_type=content_type)
