"""A campaign, compiled.

In charge of: the value that every mail of a send is rendered from, and its JSON. Not of making it (compile), nor
of filling it in (render). It never changes: a campaign edited again gets a new one.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

Lines = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """Subject, HTML and text as Jinja, CSS inlined, links numbered.

    `links` are the fixed targets, by number. `html_lines` and `text_lines` pair a line of the part with the line of
    the marketer's source, for messages.
    """

    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[str, ...]
    merge_tags: tuple[str, ...]
    html_lines: Lines = ()
    text_lines: Lines = ()

    @property
    def hash(self) -> str:
        """Equal for equal content."""
        return blake2b(json.dumps(self.to_json(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Edition":
        lists = {"links": tuple(document["links"]), "merge_tags": tuple(document["merge_tags"])}
        lines = {name: tuple(map(tuple, document[name])) for name in ("html_lines", "text_lines")}
        return cls(**(document | lists | lines))
