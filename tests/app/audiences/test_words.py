"""The words of the house on real rows: what SQL finds by counts and ledger is what the events, one by one, say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audiences.count import Overlap, count, overlap
from app.audiences.models import LASTS, Membership
from app.audiences.own_rows import one_by_one, only_of
from app.audiences.reading import reader, side_by_side
from app.campaigns.models import CampaignState, Link
from app.db import transaction, utc_now
from app.delivery.models import Delivery, DeliveryState
from app.events.models import Event, Verdict
from app.events.record import happening, record
from app.feature import house
from app.scoring.defaults import defaults
from app.scoring.kinds import TIER_CHANGED
from app.shop.kinds import PURCHASED
from app.shop.models import Order, Product
from app.subscribers.models import Basis, ConsentRecord, CustomField, FieldKind, Provider, Standing, TrackingMode
from app.subscribers.providers import provider_of
from app.tracking.kinds import CLICKED, OPENED
from segments.rfm import scores
from segments.sentence import sentence
from segments.typed import read_sentence
from segments.vocabulary import Field, Happening
from tests import make

pytestmark = pytest.mark.usefixtures("app")

DAYS = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in range(1, 11)]
TIMES = [(None, None), (DAYS[4], None), (DAYS[2], DAYS[6]), (None, DAYS[5]), (DAYS[9] + timedelta(1), None)]
TARGETS = ["https://shop.example/cheese", "https://shop.example/wine"]


@pytest.fixture
def session() -> Iterator[Session]:
    with transaction() as session:
        yield session


def word(session: Session, name: str) -> Field:
    return house().vocabulary(session)[name]


def found(session: Session, condition: Any) -> set[int]:
    """Of whom it holds: the same where tables are read, where those of some people are, and where each is looked up."""
    ways = (condition, only_of(condition, lambda person: person > 0), one_by_one(condition))
    people, *others = [set(session.scalars(select(Standing.subscriber_id).where(way))) for way in ways]
    assert others == [people, people]
    return people


def mailed_people(session: Session) -> list[int]:
    """Six people who were sent two campaigns with two links, the last of them only one."""
    people = [make.subscriber(session).id for _ in range(6)]
    campaigns = [make.campaign(session, state=CampaignState.SENT).id for _ in range(2)]
    for place, campaign in enumerate(campaigns):
        session.add_all(Link(campaign_id=campaign, position=at, target=target) for at, target in enumerate(TARGETS))
        for person in people[place:]:
            key = {"campaign_id": campaign, "subscriber_id": person}
            session.add(Delivery(**key, state=DeliveryState.SENT, sent_at=DAYS[place * 4]))
            standing = session.get_one(Standing, person)
            standing.sent, standing.last_sent_at = standing.sent + 1, DAYS[place * 4]
    session.flush()
    return people


def read_mails(session: Session, people: list[int]) -> None:
    """Opens and clicks, more with each person, some by machines; nobody reads what she was not sent."""
    hits = []
    for number, person in enumerate(people):
        for hit in range(number * 2):
            kind = CLICKED if hit % 2 else OPENED
            campaign = 1 + (hit // 2) % 2
            mail = {"campaign_id": campaign, "link": hit % 4 // 2 if kind is CLICKED else None}
            verdict = Verdict.SCANNER if hit % 5 == 4 else Verdict.HUMAN
            hits.append(happening(kind, person, DAYS[(number + hit) % 10], **mail, verdict=verdict))
    record(session, hits)


@pytest.mark.parametrize("kind", [OPENED, CLICKED])
def test_opens_and_clicks_are_counted_as_their_events_say(session: Session, kind: Any) -> None:
    people = mailed_people(session)
    read_mails(session, people)
    events = [event for event in session.scalars(select(Event)) if event.verdict and event.verdict.is_reader]
    sql = word(session, kind.name).sql
    links = [None, "CHEESE", "shop"] if kind is CLICKED else [None]
    for least, (since, until), campaign, link in product((1, 2, 3), TIMES, (None, 1, 2), links):
        counted = [
            event.subscriber_id
            for event in events
            if event.kind == kind.code
            and (since is None or event.occurred_at >= since)
            and (until is None or event.occurred_at < until)
            and campaign in {None, event.campaign_id}
            and (link is None or link.lower() in TARGETS[event.link or 0])
        ]
        asked = Happening(least, since, until, campaign, link)
        assert found(session, sql(asked)) == {each for each in people if counted.count(each) >= least}, asked


@pytest.mark.parametrize("name", ["was_sent", "unopened", "unclicked"])
def test_mails_are_counted_as_the_ledger_says(session: Session, name: str) -> None:
    people = mailed_people(session)
    read_mails(session, people)
    session.expire_all()
    ledger = session.scalars(select(Delivery)).all()
    is_kept = {
        "was_sent": lambda row: True,
        "unopened": lambda row: not row.opened_at and not row.clicked_at,
        "unclicked": lambda row: not row.clicked_at,
    }[name]
    sql = word(session, name).sql
    for least, (since, until), campaign in product((1, 2), TIMES, (None, 1, 2)):
        counted = [
            row.subscriber_id
            for row in ledger
            if is_kept(row)
            and row.sent_at
            and (since is None or row.sent_at >= since)
            and (until is None or row.sent_at < until)
            and campaign in {None, row.campaign_id}
        ]
        asked = Happening(least, since, until, campaign)
        assert found(session, sql(asked)) == {each for each in people if counted.count(each) >= least}, asked


def shoppers(session: Session) -> tuple[list[int], list[Order]]:
    people = [make.subscriber(session).id for _ in range(5)]
    products = [Product(key=key, name=key.title()) for key in ("cheese", "wine")]
    session.add_all(products)
    session.flush()
    orders = []
    for number, person in enumerate(people):
        for each in range(number * 2):
            amount = [1000, 250, -300, 0, 4000][(number + each) % 5]
            at = DAYS[(number * 3 + each) % 10]
            bought = {"amount": amount, "product_id": products[each % 2].id}
            orders.append(Order(key=f"{person}-{each}", subscriber_id=person, ordered_at=at, quantity=1, **bought))
    session.add_all(orders)
    session.flush()
    record(session, [happening(PURCHASED, row.subscriber_id, row.ordered_at, value=row.amount) for row in orders])
    return people, orders


def test_purchases_are_counted_and_summed_as_the_orders_say(session: Session) -> None:
    people, orders = shoppers(session)
    bought, spent, average = (word(session, name).sql for name in ("purchased", "spent_in", "average_order_in"))
    for (since, until), key in product(TIMES, (None, "cheese", "wine", "beer")):
        rows = [
            row
            for row in orders
            if (since is None or row.ordered_at >= since)
            and (until is None or row.ordered_at < until)
            and (key is None or key == ["cheese", "wine"][row.product_id - 1])
        ]
        sums = {each: [row.amount for row in rows if row.subscriber_id == each] for each in people}
        numbers = {each: sum(amount >= 0 for amount in sums[each]) for each in people}
        asked = Happening(1, since, until, product=key)
        for least in (1, 2, 3):
            counted = bought(Happening(least, since, until, product=key))
            assert found(session, counted) == {each for each in people if numbers[each] >= least}, asked
        for limit in (-200, 1, 1000, 5000):
            enough = {each for each in people if sums[each] and sum(sums[each]) >= limit}
            if limit > 0:
                assert found(session, spent(asked, lambda amount: amount >= limit)) == enough, (asked, limit)  # noqa: B023
            much = {each for each in people if numbers[each] and sum(sums[each]) >= limit * numbers[each]}
            assert found(session, average(asked, lambda amount: amount >= limit)) == much, (asked, limit)  # noqa: B023


def test_the_last_product_and_the_class_of_value_are_those_of_the_orders(session: Session) -> None:
    people, orders = shoppers(session)
    moment = utc_now() - timedelta(days=30)
    as_of = word(session, "value_class").as_of
    assert as_of
    last, value_class = (
        dict(session.execute(select(Standing.subscriber_id, sql())).all())
        for sql in (word(session, "last_product").sql, as_of(moment))
    )
    now = moment.timestamp()
    for person in people:
        mine = [row for row in orders if row.subscriber_id == person]
        kept = [row for row in mine if row.amount >= 0]
        newest = max(kept, key=lambda row: (row.ordered_at, row.id), default=None)
        assert last[person] == (["cheese", "wine"][newest.product_id - 1] if newest and newest.product_id else None)
        days = (now - newest.ordered_at.timestamp()) / 86_400 if newest else 0
        expected = scores(days, len(kept), sum(row.amount for row in mine)).rfm_class if newest else None
        assert value_class[person] == expected


def test_tiers_held_and_changed_are_those_of_the_events(session: Session) -> None:
    low, high = make.tiers(session)
    since = {"tier_id": high.id, "tier_since": DAYS[5]}
    rose, fell, stayed = (make.subscriber(session, **since).id for _ in range(3))
    moves = [(rose, None, high.id), (fell, high.id, low.id), (stayed, low.id, 999)]
    data = [(person, {"from_id": old, "to_id": new}) for person, old, new in moves]
    record(session, [happening(TIER_CHANGED, person, DAYS[5], data=each) for person, each in data])
    for name, person in (("tier_rose", rose), ("tier_fell", fell)):
        sql = word(session, name).sql
        assert found(session, sql(Happening(1))) == {person}
        assert found(session, sql(Happening(1, DAYS[4], DAYS[6]))) == {person}
        assert found(session, sql(Happening(1, DAYS[6]))) == found(session, sql(Happening(2))) == set()
    held = word(session, "tier_held").sql
    assert found(session, held(str(high.id), DAYS[6])) == {rose, fell, stayed}
    assert found(session, held(str(high.id), DAYS[5])) == found(session, held(str(low.id), DAYS[6])) == set()


def test_who_has_been_in_a_segment_for_long_is_known_from_its_memberships(session: Session) -> None:
    people = [make.subscriber(session).id for _ in range(3)]
    segment = make.segment(session, {"all": []}).id
    for person, joined, left in zip(people, DAYS, (LASTS, LASTS, DAYS[7]), strict=False):
        session.add(Membership(segment_id=segment, subscriber_id=person, joined_at=joined, left_at=left))
    session.flush()
    sql = word(session, "segment_held").sql
    assert found(session, sql(str(segment), DAYS[1])) == {people[0]}
    assert found(session, sql(str(segment), DAYS[9])) == set(people[:2])


def test_lists_consents_providers_and_lists_of_a_field_are_asked(session: Session) -> None:
    session.add(CustomField(key="likes", label="Likes", kind=FieldKind.LIST))
    anna = make.subscriber(session, "anna@gmx.net", attributes={"likes": ["brie", "a'b"]}, provider=Provider.GMX)
    bea = make.subscriber(session, "bea@firm.example", attributes={"likes": ["gouda"]}, provider=Provider.OTHER)
    make.subscriber(session)
    proof = {"address": "x", "tracking": TrackingMode.NONE, "wording": {}, "wording_hash": "", "topic_ids": []}
    for person, basis, confirmed in ((anna, Basis.DOUBLE_OPT_IN, DAYS[0]), (bea, Basis.DOUBLE_OPT_IN, None)):
        record_ = ConsentRecord(subscriber_id=person.id, basis=basis, confirmed_at=confirmed, **proof)
        record_.requested_at = DAYS[0]
        session.add(record_)
    session.flush()
    assert _who_likes(session, ["brie"]) == _who_likes(session, ["a'b", "x"]) == {anna.id}
    assert _who_likes(session, ["brie", "gouda"]) == {anna.id, bea.id}
    assert found(session, word(session, "consents").sql(["double_opt_in"])) == {anna.id}
    assert found(session, word(session, "provider").sql() == "gmx") == {anna.id}
    assert provider_of("Anna@GMX.net") is Provider.GMX
    assert provider_of("anna@notgmx.net") is Provider.OTHER


def _who_likes(session: Session, cheeses: list[str]) -> set[int]:
    return asked(session, {"field": "custom.likes", "op": "has_any", "value": cheeses})


def asked(session: Session, rule: dict[str, Any]) -> set[int]:
    """Whom it means; what stands beside a person says the same where it is joined as where it is looked up."""
    words = reader(session, utc_now())
    people, beside = words.people(rule), words.people(rule, side_by_side=True)
    together = select(Standing.subscriber_id).select_from(side_by_side(beside)).where(beside)
    assert set(session.scalars(together)) == found(session, people)
    assert overlap(session, people, beside) == Overlap(*[count(session, beside)] * 3)
    return found(session, people)


def _said(session: Session, rule: dict[str, Any]) -> str:
    people = reader(session, utc_now()).people(rule)
    return str(select(Standing.subscriber_id).where(people).compile(session.get_bind()))


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ({"all": ["opened", "not clicked"]}, {1}),
        ({"all": ["mailed", "not opened"]}, {0, 3}),
        ({"any": ["clicked", "not mailed"]}, {2, 4}),
        ({"not": {"any": ["opened", "not mailed"]}}, {0, 3}),
        ({"all": ["not clicked", {"any": ["opened", "not mailed"]}]}, {1, 4}),
        ({"all": ["not opened", "not clicked"]}, {0, 3, 4}),
    ],
)
def test_what_is_said_of_one_mail_is_asked_of_it_at_once(
    session: Session, rule: dict[str, Any], meant: set[int]
) -> None:
    """0 and 3 left it alone, 1 opened it, 2 clicked too, 4 was not mailed."""
    campaign = make.campaign(session, state=CampaignState.SENT).id
    people = [make.subscriber(session).id for _ in range(5)]
    for place, person in enumerate(people[:4]):
        read = {"opened_at": DAYS[1] if place in {1, 2} else None, "clicked_at": DAYS[2] if place == 2 else None}
        mail = {"campaign_id": campaign, "subscriber_id": person, "sent_at": DAYS[0], "state": DeliveryState.SENT}
        session.add(Delivery(**mail, **read))
    session.flush()
    told = _of_mail(rule, campaign)
    assert asked(session, told) == {people[place] for place in meant}
    assert _said(session, told).count("FROM delivery") == 1


def _of_mail(rule: Any, campaign: int) -> Any:
    """The rule with `not opened` and the like said of this campaign."""
    match rule:
        case str():
            never, did = rule.startswith("not "), rule.removeprefix("not ").replace("mailed", "was_sent")
            return {"field": did, "op": "not_happened" if never else "happened", "value": {"campaign": campaign}}
        case list():
            return [_of_mail(each, campaign) for each in rule]
    return {join: _of_mail(parts, campaign) for join, parts in rule.items()}


def test_fields_of_the_profile_are_asked_of_one_row(session: Session) -> None:
    session.add(CustomField(key="pets", label="Pets", kind=FieldKind.NUMBER))
    make.subscriber(session, attributes={"pets": 3})
    cat = make.subscriber(session, attributes={"pets": 1}, first_name="Cat").id
    none = make.subscriber(session, first_name="Cat").id
    named = {"field": "first_name", "op": "is", "value": "Cat"}
    many = {"field": "custom.pets", "op": "at_least", "value": 2}
    rule = {"all": [named, {"field": "orders", "op": "equals", "value": 0}, {"not": many}]}
    assert asked(session, rule) == {cat, none}
    assert _said(session, rule).count("FROM subscriber") == 1


PROFILES: list[dict[str, Any]] = [
    {"attributes": {"pets": pets, "club": club} if pets else {}, "first_name": name, "language": language}
    for pets, club, name, language in [(0, 0, None, "de"), (1, True, "Cat", "en"), (3, False, "Cat", None)]
]
SAID_OF_PROFILES: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({"field": "first_name", "op": "is_not", "value": "cat"}, lambda one: one["first_name"] != "Cat"),
    ({"field": "first_name", "op": "is_empty"}, lambda one: one["first_name"] is None),
    ({"field": "custom.pets", "op": "at_least", "value": 2}, lambda one: one["attributes"].get("pets", 0) >= 2),
    ({"field": "custom.pets", "op": "not_equals", "value": 1}, lambda one: one["attributes"].get("pets") != 1),
    ({"field": "custom.club", "op": "is_true"}, lambda one: bool(one["attributes"].get("club"))),
    ({"field": "language", "op": "is", "value": "en"}, lambda one: one["language"] == "en"),
]
Said = tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]


def _grouped(parts: list[Said], join: str) -> Said:
    means = {"all": all, "any": any, "not": lambda holds: not any(holds)}[join]
    rules = [rule for rule, _holds in parts]
    told = {"not": {"any": rules}} if join == "not" else {join: rules}
    return told, lambda one: means(holds(one) for _rule, holds in parts)


GROUPS: st.SearchStrategy[Said] = st.recursive(
    st.sampled_from(SAID_OF_PROFILES),
    lambda inner: st.builds(_grouped, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["all", "any", "not"])),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=GROUPS)
def test_a_profile_says_the_same_looked_up_and_joined_and_in_python(session: Session, said: Said) -> None:
    if not session.scalar(select(CustomField.id)):
        session.add_all(CustomField(key=key, label=key, kind=FieldKind(kind)) for key, kind in _KINDS)
        for profile in PROFILES:
            make.subscriber(session, **profile)
    rule, holds = said
    everybody = session.scalars(select(Standing.subscriber_id).order_by(Standing.subscriber_id)).all()
    assert asked(session, rule) == {who for who, one in zip(everybody, PROFILES, strict=True) if holds(one)}


_KINDS = (("pets", "number"), ("club", "flag"))


@pytest.mark.parametrize(
    ("typed", "locale", "said"),
    [
        ("points >= 20 in 30 days", "en", "points earned in a time in the last 30 days is at least 20"),
        (
            "Punkte < 0,5 in 90 Tagen",
            "de",
            "in einer Zeit verdiente Punkte in den letzten 90 Tagen ist weniger als 0,5",
        ),
        ("points earned in a time > 5", "en", "points earned in a time is more than 5"),
    ],
)
def test_points_earned_in_a_time_can_be_typed_in_both_languages(
    session: Session, typed: str, locale: str, said: str
) -> None:
    defaults(session, utc_now())
    vocabulary = house().vocabulary(session)
    rule = read_sentence(typed, vocabulary, locale)
    assert sentence(rule, vocabulary, locale) == said
    assert read_sentence(said, vocabulary, locale) == rule
    # Nobody has earned anything: less than nothing is nobody, at least nothing everybody.
    person = make.subscriber(session).id
    words = reader(session, utc_now())
    assert found(session, words.matching(rule)) == (set() if locale == "en" else {person})


@pytest.mark.parametrize(
    ("typed", "locale", "said"),
    [
        ("sent but not opened", "en", "was mailed and never opened"),
        ("sent > 3", "en", "number of mails is more than 3"),
        ("tier is Loyal for 90 days", "en", "tier without a break: Loyal for at least 90 days"),
        ("Stufe ist Treu seit 90 Tagen", "de", "Stufe ohne Unterbrechung: Treu seit mindestens 90 Tagen"),
        ("Stufe ist Treu", "de", "Stufe ist Treu"),
    ],
)
def test_short_names_lead_to_the_field_that_makes_a_whole_condition(
    session: Session, typed: str, locale: str, said: str
) -> None:
    defaults(session, utc_now())
    vocabulary = house().vocabulary(session)
    assert sentence(read_sentence(typed, vocabulary, locale), vocabulary, locale) == said
