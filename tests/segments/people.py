"""Thirty-odd people whose data sit on every edge, and the vocabulary that speaks of them.

In charge of the small world that rules are tried on. `PEOPLE` is the same world as plain dicts, for
`tests.segments.reference`.
"""

from collections.abc import Sequence
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
    String,
    Table,
    TypeDecorator,
    func,
    select,
)

from segments.label import Label
from segments.rule import Rule
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
)
tag = Table("person_tag", metadata, Column("person_id", Integer), Column("tag", String))
click = Table(
    "click",
    metadata,
    Column("person_id", Integer),
    Column("at", Instant),
    Column("campaign", Integer),
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


def _clicks(number: int) -> list[tuple[datetime, int]]:
    return [(at, 1 + (number + index) % 3) for index, at in enumerate(MOMENTS[1 : 1 + number % 7]) if at]


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
        "clicks": _clicks(number),
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
            for at, campaign in each["clicks"]:
                connection.execute(click.insert(), {"person_id": each["id"], "at": at, "campaign": campaign})


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
    if happening.campaign is not None:
        rows = rows.where(click.c.campaign == happening.campaign)
    return rows.scalar_subquery() >= happening.at_least


COUNTRY_NAMES = (
    ("DE", Label("Germany", "Deutschland")),
    ("AT", Label("Austria", "Österreich")),
    ("CH", Label("Switzerland", "Schweiz")),
    ("FR", Label("France", "Frankreich")),
)
TIER_NAMES = (("1", Label("New", "Neu")), ("2", Label("Loyal", "Treu")), ("3", Label("Gold", "Gold")))

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
        Field("tags", Label("tags", "Tags"), FieldType.LIST, has_tag, Group.TAGS_AND_TOPICS),
        Field(
            "clicked",
            Label("clicked", "geklickt"),
            FieldType.EVENT,
            clicked,
            Group.EMAIL,
            choices=(("2", Label("Spring", "Frühling")),),
        ),
    ]
)
