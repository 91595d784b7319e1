"""Hostile requests for every address of the house: what is sent, and how the names to send it in are found.

In charge of the payloads and of learning, from the pages and from the API's description, which words each address
reads. Not of: what must come of it (`test_no_500`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.datastructures import ImmutableMultiDict

LONG = "x" * 20_000
TEXTS = (
    "a\x00b",
    "-1",
    "9" * 30,
    "²",
    "NaN",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "'; DROP TABLE subscriber; --",
    "{{ 7*7 }}{% for a in range(9) %}",
    "a\r\nBcc: 🧀\u202e@example.org",
    "",
    LONG,
)
# Each field alone gets these, while the others are as they should be.
SHARP_TEXTS = ("9" * 30, "²", "x" * 5000)
VALUES: tuple[Any, ...] = (
    None,
    -1,
    2**31,
    0.5,
    "",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "a\r\nBcc: b@example.org",
    LONG,
    [],
    [10**6],
    {},
)
# No view is to see these at all, so they are tried in one place only.
UNKEEPABLE: tuple[Any, ...] = (
    2**63,
    -(10**400),
    float("nan"),
    float("-inf"),
    "a\x00b",
    "\ud800",
    ["\udfff"],
    [2**63],
    {"a\x00b": "a"},
)
BODIES = (
    b"",
    b"{",
    b"null",
    b'"text"',
    b"[1, 2]",
    b"\xff\xfe\x00",
    b'{"a": "\xed\xa0\x80"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a": ' + b"9" * 5000 + b"}",
)
# Asked for when a view goes through all names.
ALL = "*"
TYPES = ("application/json", "text/csv", "multipart/form-data; boundary=", "application/x-www-form-urlencoded", "")


class Listening(ImmutableMultiDict[str, str]):
    """Arguments that note which names a view asks for."""

    asked: set[str] = set()  # noqa: RUF012 - one for all requests, emptied before each

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.add(key)
        return super().getlist(key, *args, **kwargs)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self.asked.add(ALL)
        return super().__iter__()


@dataclass
class Inputs(HTMLParser):
    """The names and values of a page's inputs, and those in the addresses that it links to."""

    values: dict[str, str] = field(default_factory=dict)
    _select: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if (name := given.get("name")) and tag != "meta":
            self.values.setdefault(name, given.get("value", "a"))
        self._select = given.get("name", "") if tag == "select" else self._select
        if tag == "option" and self._select and given.get("value") and "selected" in given:
            self.values[self._select] = given["value"]
        for address in (given.get("href", ""), given.get("hx-get", "")):
            self.values |= dict(parse_qsl(urlsplit(address).query))


def forms(base: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every form made of these names: as it should be, spoilt in one place, spoilt everywhere."""
    yield dict(base)
    if not base:
        return
    for text in TEXTS:
        yield dict.fromkeys(base, text)
    for name in base:
        for text in SHARP_TEXTS:
            yield {**base, name: text}


def spoilt(document: dict[str, Any], names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Copies of a JSON document, each with another value in one place: a member, or one of a member's own."""
    for place, name in enumerate(sorted({*document, *names})):
        for value in VALUES if place else VALUES + UNKEEPABLE:
            yield {**document, name: value}
        match document.get(name):
            case [{} as inner, *_]:
                yield from ({**document, name: [each]} for each in spoilt(inner, ()))
            case {} as inner:
                yield from ({**document, name: each} for each in spoilt(inner, ()))


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that fits this part of the API's description: members that are needed or have an example."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        needed = schema.get("required", ())
        shown = {name: each for name, each in schema["properties"].items() if name in needed or "examples" in each}
        return {name: example(each, schemas) for name, each in shown.items()}
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    return 1 if schema.get("type") == "integer" else "a"


def members(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterable[str]:
    """All names that a body may have."""
    return schemas[schema["$ref"].rpartition("/")[2]]["properties"]  # type: ignore[no-any-return]
