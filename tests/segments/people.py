"""Thirty-odd people whose data sit on every edge, and the vocabulary that speaks of them.

In charge of the small world that rules are tried on. `PEOPLE` is the same world as plain dicts, for
`tests.segments.reference`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Double,
    Engine,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    TypeDecorator,
    and_,
    func,
    select,
    true,
    type_coerce,
)

from segments.label import Label
from segments.rule import All, Condition, Not, Rule
from segments.text import matches
from segments.vocabulary import Field, FieldType, Group, Happening, Vocabulary
from segments.where import where

BERLIN = ZoneInfo("Europe/Berlin")
# The day after clocks were put forward in Berlin, half past midnight there, still Sunday in UTC.
NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """Microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> int | None:
        if value is None:
            return None
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


metadata = MetaData()
person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("country", String),
    Column("tier", Integer),
    Column("orders", Integer),
    Column("weight", Double),
    Column("spent", BigInteger),
    Column("since", Date),
    Column("ends", String),
    Column("clicked_at", Instant),
    Column("vip", Boolean),
    Column("birthday", Integer),
    Column("tier_since", Instant),
)
tag = Table("person_tag", metadata, Column("person_id", Integer), Column("tag", String))
click = Table(
    "click",
    metadata,
    Column("person_id", Integer),
    Column("at", Instant),
    Column("campaign", Integer),
    Column("link", String),
)
purchase = Table(
    "purchase",
    metadata,
    Column("person_id", Integer),
    Column("at", Instant),
    Column("amount", BigInteger),
    Column("product", String),
)

NAMES = [
    None,
    "",
    "Anna",
    "ANNA",
    "anna b",
    "Jörg",
    "JÖRG",
    "ß_50%",
    "SS_50x",
    "a*b?[c]",
    "ΟΔΟΣ",
    "οδος",
    "x^\\y",
    "Äé",
]
COUNTRIES = [None, "DE", "AT", "CH", "", "DE", "FR"]
DAYS = [None, *(date(2026, 3, 30) + timedelta(days=each) for each in (-400, -31, -30, -29, -1, 0, 1, 7, 8))]
MOMENTS = [
    None,
    datetime(2026, 2, 27, 22, 59, 59, tzinfo=UTC),  # the last second of 27 February in Berlin
    datetime(2026, 2, 27, 23, 0, tzinfo=UTC),  # midnight in winter: 30 days before
    datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 0, tzinfo=UTC),  # midnight before the clocks change
    datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 22, 0, tzinfo=UTC),  # midnight after, in summer
    datetime(2026, 3, 30, 22, 0, tzinfo=UTC),
    datetime(2026, 4, 6, 21, 59, 59, tzinfo=UTC),
]
BIRTHDAYS = [None, 101, 228, 229, 301, 329, 330, 331, 406, 407, 1231]
TAGS = [[], ["press"], ["blog", "press"], ["blog"], ["Déjà vu", "press"]]


LINKS = ["https://shop.example/Käse", "https://shop.example/wine?a=50%", "https://shop.example/"]
AMOUNTS = [1000, 999, -500, 0, 2000]
PRODUCTS = ["cheese", "wine or beer", None]


def _clicks(number: int) -> list[tuple[datetime, int, str]]:
    return [
        (at, 1 + (number + index) % 3, LINKS[(number * 2 + index) % 3])
        for index, at in enumerate(MOMENTS[1 : 1 + number % 7])
        if at
    ]


def _purchases(number: int) -> list[tuple[datetime, int, str | None]]:
    return [
        (at, AMOUNTS[(number + index) % 5], PRODUCTS[(number + index * 2) % 3])
        for index, at in enumerate(MOMENTS[1 : 1 + number % 5])
        if at
    ]


def _pick(values: Sequence[Any], number: int) -> Any:
    return values[number % len(values)]


PEOPLE: list[dict[str, Any]] = [
    {
        "id": number,
        "name": _pick(NAMES, number),
        "country": _pick(COUNTRIES, number),
        "tier": _pick([None, 1, 2, 3], number),
        "orders": _pick([None, 0, 1, 2, 3, 2**31 - 1], number),
        "weight": _pick([None, -1.5, 0.0, 0.1, 2.5], number),
        "spent": _pick([None, 0, 999, 1000, 1001, -500, 10**12], number),
        "since": _pick(DAYS, number),
        "ends": _pick(DAYS[::-1], number),
        "clicked_at": _pick(MOMENTS, number),
        "vip": _pick([None, True, False], number),
        "birthday": _pick(BIRTHDAYS, number),
        "tags": _pick(TAGS, number),
        "tier_since": _pick(MOMENTS[::-1], number),
        "clicks": _clicks(number),
        "purchases": _purchases(number),
    }
    for number in range(1, 43)
]


def load(engine: Engine) -> None:
    metadata.create_all(engine)
    columns = person.columns.keys()
    with engine.begin() as connection:
        for each in PEOPLE:
            row = {column: each[column] for column in columns}
            connection.execute(person.insert(), {**row, "ends": each["ends"] and each["ends"].isoformat()})
            for name in each["tags"]:
                connection.execute(tag.insert(), {"person_id": each["id"], "tag": name})
            for at, campaign, link in each["clicks"]:
                row = {"person_id": each["id"], "at": at, "campaign": campaign, "link": link}
                connection.execute(click.insert(), row)
            for at, amount, product in each["purchases"]:
                row = {"person_id": each["id"], "at": at, "amount": amount, "product": product}
                connection.execute(purchase.insert(), row)


def ids(engine: Engine, rule: Rule, vocabulary: Vocabulary | None = None, now: datetime = NOW) -> set[int]:
    """Who the rule means, by SQL."""
    condition = where(rule, vocabulary or VOCABULARY, now, BERLIN)
    with engine.connect() as connection:
        return set(connection.scalars(select(person.c.id).where(condition)))


def has_tag(values: Sequence[str]) -> ColumnElement[bool]:
    return person.c.id.in_(select(tag.c.person_id).where(tag.c.tag.in_(values)))


def clicked(happening: Happening) -> ColumnElement[bool]:
    rows = select(func.count()).where(click.c.person_id == person.c.id)
    if happening.since is not None:
        rows = rows.where(click.c.at >= happening.since)
    if happening.until is not None:
        rows = rows.where(click.c.at < happening.until)
    if happening.campaign is not None:
        rows = rows.where(click.c.campaign == happening.campaign)
    if happening.link is not None:
        rows = rows.where(matches(click.c.link, happening.link, open_start=True, open_end=True))
    return rows.scalar_subquery() >= happening.at_least


def _amounts(happening: Happening) -> Select[int]:
    rows = select(purchase.c.person_id).group_by(purchase.c.person_id)
    if happening.since is not None:
        rows = rows.where(purchase.c.at >= happening.since)
    if happening.until is not None:
        rows = rows.where(purchase.c.at < happening.until)
    if happening.product is not None:
        rows = rows.where(purchase.c.product == happening.product)
    return rows


def spent_in(happening: Happening, test: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> ColumnElement[bool]:
    return person.c.id.in_(_amounts(happening).having(test(func.sum(purchase.c.amount))))


def average_in(happening: Happening, test: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> ColumnElement[bool]:
    average = type_coerce(func.sum(purchase.c.amount), BigInteger) / type_coerce(func.count(), BigInteger)
    return person.c.id.in_(_amounts(happening).having(test(average)))


def held(key: str, since: datetime) -> ColumnElement[bool]:
    return and_(person.c.tier.is_not(None), person.c.tier == int(key), person.c.tier_since < since).is_(true())


def group(key: str) -> Rule | None:
    return GROUPS.get(key)


COUNTRY_NAMES = (
    ("DE", Label("Germany", "Deutschland")),
    ("AT", Label("Austria", "Österreich")),
    ("CH", Label("Switzerland", "Schweiz")),
    ("FR", Label("France", "Frankreich")),
)
TIER_NAMES = (("1", Label("New", "Neu")), ("2", Label("Loyal", "Treu")), ("3", Label("Gold", "Gold")))

PRODUCT_NAMES = (("cheese", Label("Cheese", "Käse")), ("wine or beer", Label("Wine or beer", "Wein oder Bier")))
GROUPS: dict[str, Rule] = {
    "1": All((Condition("country", "is", "DE"), Condition("vip", "is_true"))),
    "2": Not(Condition("groups", "has_any", ["1"])),
}
GROUP_NAMES = {"1": "German VIPs", "2": "The others (“all”)"}

VOCABULARY = Vocabulary(
    [
        Field("name", Label("name", "Name"), FieldType.TEXT, lambda: person.c.name),
        Field(
            "country",
            Label("country", "Land"),
            FieldType.CHOICE,
            lambda: person.c.country,
            choices=COUNTRY_NAMES,
        ),
        Field(
            "tier",
            Label("tier", "Stufe"),
            FieldType.CHOICE,
            lambda: person.c.tier,
            Group.SCORE_AND_TIER,
            choices=lambda: TIER_NAMES,
        ),
        Field("orders", Label("number of orders", "Zahl der Käufe"), FieldType.NUMBER, lambda: person.c.orders),
        Field("weight", Label("weight", "Gewicht"), FieldType.NUMBER, lambda: person.c.weight, Group.CUSTOM),
        Field("spent", Label("total spent", "Umsatz"), FieldType.MONEY, lambda: person.c.spent, currency="EUR"),
        Field("since", Label("start", "Beginn"), FieldType.DATE, lambda: person.c.since),
        Field("ends", Label("contract end", "Vertragsende"), FieldType.DATE, lambda: person.c.ends),
        Field(
            "clicked_at",
            Label("last click", "letzter Klick"),
            FieldType.MOMENT,
            lambda: person.c.clicked_at,
            Group.EMAIL,
        ),
        Field("vip", Label("VIP", "VIP"), FieldType.FLAG, lambda: person.c.vip),
        Field("birthday", Label("birthday", "Geburtstag"), FieldType.BIRTHDAY, lambda: person.c.birthday),
        Field("tags", Label("tags", "Tags"), FieldType.LIST, has_tag, Group.TAGS_AND_TOPICS, aliases=("tag",)),
        Field(
            "clicked",
            Label("clicked", "geklickt"),
            FieldType.EVENT,
            clicked,
            Group.EMAIL,
            details={"campaign": (("2", Label("Spring", "Frühling")),), "link": ()},
        ),
        Field(
            "spent_in",
            Label("spent", "ausgegeben"),
            FieldType.TOTAL,
            spent_in,
            Group.PURCHASES,
            currency="EUR",
            details={"product": PRODUCT_NAMES},
            aliases=("spend",),
        ),
        Field(
            "average_in",
            Label("average", "Durchschnitt"),
            FieldType.TOTAL,
            average_in,
            Group.PURCHASES,
            currency="EUR",
            empty=None,
        ),
        Field("tier_held", Label("held tier", "gehaltene Stufe"), FieldType.STATE, held, choices=TIER_NAMES),
        Field("sample", Label("random sample", "Stichprobe"), FieldType.SAMPLE, lambda: person.c.id),
        Field(
            "groups",
            Label("groups", "Gruppen"),
            FieldType.LIST,
            choices=tuple((key, Label(name, name)) for key, name in GROUP_NAMES.items()),
            means=group,
        ),
    ]
)
