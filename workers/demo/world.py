"""The shop of the demo: real orders, and invented people to have made them.

The orders are CDNOW's, unchanged but for the date: all are moved by as many days, so that the last one was yesterday
and reports have something to say of this month. CDNOW published no names, so each customer number is given one, always
the same.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path

SAMPLE = Path(__file__).parent / "data" / "CDNOW_sample.txt"

_GERMAN = (
    "Anna Lukas Lea Jonas Mia Felix Clara Paul Emma Ben Ida Max Greta Finn Frieda Emil Jule Moritz Jörg Käthe".split()
)
_ENGLISH = "Olivia Noah Amelia Jack Isla Harry Ava Oscar Grace Leo Ruby Henry Lily Arthur Zoë Freddie".split()
_GERMAN_LAST = "Müller Weber Schäfer Koch Bauer Weiß Krüger Vogel Groß Lang Jäger Otto Sommer Böhm Engel Kühn".split()
_ENGLISH_LAST = "Smith Taylor O’Neil Walker Hughes Green Clarke Hall Wood Turner Carter Ward Bell Shaw".split()
_GERMAN_COUNTRIES = ("DE", "DE", "DE", "DE", "AT", "CH")
_ENGLISH_COUNTRIES = ("GB", "GB", "US", "IE")
# Of ten people: who lets us see what she reads, who only lets herself be counted, and who neither.
_TRACKING = ("personal",) * 7 + ("aggregate",) * 2 + ("none",)

PRODUCTS = (
    ("LP-01", "Kind of Blue Mornings", 1490),
    ("LP-02", "Winterreise, neu gehört", 1890),
    ("LP-03", "Songs from the Ferry", 1290),
    ("LP-04", "Goldberg am Küchentisch", 1690),
    ("LP-05", "Nachtzug nach Lissabon", 1390),
    ("LP-06", "Field Recordings: Rain", 990),
    ("LP-07", "The Long Way Home", 1190),
    ("LP-08", "Akkordeon & Asphalt", 1550),
    ("LP-09", "Choir of the Fens", 1750),
    ("LP-10", "Tanztee 1928", 1090),
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A line of the file; the amount in cents."""

    customer: int
    day: date
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class Person:
    """A customer number with a face."""

    number: int
    first_name: str
    last_name: str
    language: str
    country: str
    birthday: date
    tracking: str

    @property
    def email(self) -> str:
        """An address in a domain that is reserved for examples."""
        return f"reader{self.number:05d}@people.example"


def read_purchases(file: Path) -> list[Purchase]:
    """The lines of a CDNOW file: the sample has the number in the full set as a first column more."""
    with file.open(encoding="ascii") as stream:
        return [
            _purchase(columns, number)
            for number, line in enumerate(stream, 1)
            if (columns := line.split())[-1:] and columns[0].isdigit()
        ]


def _purchase(columns: list[str], line: int) -> Purchase:
    try:
        customer, day, quantity, amount = columns[-4:]
        if len(columns) == 5:
            customer = columns[0]
        return Purchase(
            customer=int(customer),
            day=date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}"),
            quantity=int(quantity),
            cents=round(float(amount) * 100),
        )
    except ValueError as error:
        raise ValueError(f"line {line} is no CDNOW order (customer, date, quantity, amount): {error}") from error


def moved(purchases: Iterable[Purchase], today: date) -> list[Purchase]:
    """The same orders, so many days later that the last one was yesterday."""
    rows = list(purchases)
    later = today - timedelta(days=1) - max(row.day for row in rows)
    return [replace(row, day=row.day + later) for row in rows]


def person(number: int) -> Person:
    """Always the same person for a number."""
    dice = blake2b(str(number).encode(), digest_size=8, person=b"demo").digest()
    german = dice[0] < 150
    first, last = (_GERMAN, _GERMAN_LAST) if german else (_ENGLISH, _ENGLISH_LAST)
    countries = _GERMAN_COUNTRIES if german else _ENGLISH_COUNTRIES
    return Person(
        number=number,
        first_name=first[dice[1] % len(first)],
        last_name=last[dice[2] % len(last)],
        language="de" if german else "en",
        country=countries[dice[3] % len(countries)],
        birthday=date(1950 + dice[4] % 55, 1 + dice[5] % 12, 1 + dice[6] % 28),
        tracking=_TRACKING[dice[7] % len(_TRACKING)],
    )


def people(purchases: Iterable[Purchase]) -> list[Person]:
    """Everybody who bought, by number."""
    return [person(number) for number in sorted({row.customer for row in purchases})]


def write_people(file: Path, crowd: Iterable[Person], joined: dict[int, date]) -> None:
    """A CSV as another newsletter tool would export it."""
    header = ("E-Mail", "Vorname", "Nachname", "Sprache", "Land", "Geburtstag", "Anmeldedatum")
    rows = (
        (who.email, who.first_name, who.last_name, who.language, who.country, who.birthday, joined[who.number])
        for who in crowd
    )
    write_csv(file, header, rows, ";")


def write_orders(file: Path, purchases: Iterable[Purchase]) -> None:
    """A CSV as a shop would export it."""
    header = ("customer", "date", "amount", "quantity", "product")
    rows = (
        (person(row.customer).email, row.day, f"{row.cents / 100:.2f}", row.quantity, _product(row))
        for row in purchases
    )
    write_csv(file, header, rows, ",")


def _product(row: Purchase) -> str:
    return PRODUCTS[(row.customer * 7 + row.day.toordinal()) % len(PRODUCTS)][0]


def write_csv(file: Path, header: Iterable[str], rows: Iterator[tuple[object, ...]], delimiter: str) -> None:
    """A file with a header."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
