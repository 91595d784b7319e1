"""Two letters and their readers, the same for every benchmark that sends mail.

`letter_34k` becomes a mail of 34 KB with 12 tracked links, `letter_7k` one of 7 KB with 10; each is personalised by ten
fields, one condition and a loop of five products, whose links come from the reader's own values.
"""

from pathlib import Path
from typing import Any

from app.campaigns.layouts import Layout
from segments.label import Label

_FOLDER = Path(__file__).parent / "letters"
_FIRST = ("Anna", "Björn", "Chloé", "Dörte", "Emil", "Fatma", "Grzegorz", "Hanna", "Iris", "Jörg", "Kim", "Lena")
_LAST = ("Weber", "Müller", "O’Neil", "Yılmaz", "Nguyễn", "Schäfer", "Smith & Sons", "Groß", "Petersen")
_CITIES = ("Lüneburg", "Köln", "Zürich", "Wien", "Husum", "Görlitz", "Berlin")
_TEAS = ("Darjeeling First Flush", "Sencha", "Grüner Jasmin", "Oolong von Alishan", "Rauchtee", "Earl Grey", "Früchte")


def letter_34k() -> Layout:
    """A monthly letter of a shop."""
    return _letter("34k", "{{ first_name|default('The new season') }}, the new season is here", "First flush, and cups")


def letter_7k() -> Layout:
    """A short note of the same shop."""
    return _letter("7k", "{{ first_name|default('Hello') }}, new this week", "Six things to read")


def person_values(number: int) -> dict[str, Any]:
    """What merge tags say of the reader with this number, without the four addresses of her own."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]
    return {
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "email": f"reader{number}@example.org",
        "language": "en" if number % 3 else "de",
        "country": "DE",
        "birthday": None,
        "attributes": {"city": _CITIES[number % len(_CITIES)], "code": f"TEA-{number * 7919 % 1_000_000:06}"},
        "tags": ["tea"],
        "topics": ["newsletter"],
        "score": number % 1000 / 10,
        "tier": "Loyal" if number % 2 else "New",
        "orders": {"count": number % 20, "sum": number % 20 * 21.5, "last_at": None},
        "products": [_product(number * 5 + each) for each in range(5)],
        "sender": {
            "name": "Teehaus Lindenhof",
            "address": "post@shop.example",
            "imprint": "Teehaus Lindenhof GmbH, Lindenweg 4, 21335 Lüneburg",
        },
        "organisation": {"name": "Teehaus Lindenhof", "currency": "EUR"},
    }


def _product(number: int) -> dict[str, Any]:
    tea = number % 500
    return {
        "name": f"{_TEAS[tea % len(_TEAS)]} no. {tea}",
        "url": f"https://shop.example/tea/{tea}?from=letter&size=100",
        "image": f"https://shop.example/pictures/{tea}.jpg",
        "price": tea % 40 + 0.9,
    }


def _letter(name: str, subject: str, preheader: str) -> Layout:
    title, html = Label(name, name), (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    return Layout(name, title, title, "en", subject, preheader, html)
