"""What fields and choices are called in sentences, so that each name leads back to one thing.

In charge of when a label can stand bare, when in quotes, and when only the key will do; and of finding what a name
means in either language.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from segments.label import Label
from segments.operators import OPERATIONS
from segments.vocabulary import Choices, Field, Vocabulary
from segments.wording import QUOTES

_BARE = re.compile(r"[^\W\d_](?:[\w .’'-]*\w)?|\d[\w.-]*[^\W\d]")
_BOTH = ("en", "de")
# Words that sentences are made of cannot begin or end a bare name unseen.
_RESERVED = frozenset(
    word
    for operations in OPERATIONS.values()
    for each in operations.values()
    for label in (each.label, each.says)
    for text in (label.en, label.de)
    for word in re.findall(r"\w+", text.lower())
) | set(
    "and or not nor in on with since until between for at the und oder nicht nie never mit seit bis zum dem".split()
)


def small(text: str) -> str:
    """Lower case that keeps the length, so that places stay the same."""
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def quoted(text: str, language: str) -> str:
    """In the quotes of the language; a backslash stands before what would end them."""
    quotes = QUOTES(language)
    return quotes[0] + re.sub(rf"[\\{quotes[1]}]", r"\\\g<0>", text) + quotes[1]


class Options:
    """The choices of one field, by what they are called."""

    def __init__(self, choices: Choices, language: str, taken: Iterable[str] = (), *, bare: bool = True) -> None:
        self._labels = {key: label(language) for key, label in choices}
        self._language = language
        self._taken, self._bare = set(taken), bare
        self.by_name: dict[str, str] = {}
        other = next(each for each in _BOTH if each != language)
        for names in (self._labels, {key: key for key in self._labels}, {key: lab(other) for key, lab in choices}):
            fresh: dict[str, str | None] = {}
            for key, name in names.items():
                fresh[small(name)] = None if small(name) in fresh else key
            for name, found in fresh.items():
                if found is not None:
                    self.by_name.setdefault(name, found)

    @property
    def called(self) -> Iterable[str]:
        """What the choices are called in this language."""
        return self._labels.values()

    def say(self, key: str) -> str:
        """A name that `by_name` leads back from; `#“key”` where there is none."""
        label = self._labels.get(key)
        if label is None:
            return quoted(key, self._language) if not self._labels else "#" + quoted(key, self._language)
        if self.by_name.get(small(label)) != key:
            return "#" + quoted(key, self._language)
        return label if self._bare and self._is_bare(label) else quoted(label, self._language)

    def _is_bare(self, label: str) -> bool:
        words = re.findall(r"\w+", small(label))
        return bool(_BARE.fullmatch(label)) and not _RESERVED & set(words) and small(label) not in self._taken


@dataclass
class Names:
    """The names of a vocabulary in one language."""

    vocabulary: Vocabulary
    language: str

    def __post_init__(self) -> None:
        self._options: dict[tuple[str, str | None], Options] = {}

    def field(self, field: Field) -> str:
        """Its label, or its name where another field is called the same."""
        label = field.label(self.language)
        return label if self._labels.get(small(label)) == field.name else field.name

    @cached_property
    def _labels(self) -> Mapping[str, str | None]:
        found: dict[str, str | None] = {each.name: each.name for each in self.vocabulary}
        for each in self.vocabulary:
            label = small(each.label(self.language))
            found[label] = each.name if found.get(label, each.name) == each.name else None
        return found

    @cached_property
    def fields(self) -> list[tuple[str, Field]]:
        """What fields may be called in a typed sentence, the longest first; of equal ones, the language's own first."""
        own = [(self.field(each), each) for each in self.vocabulary]
        names = [(name, each) for each in self.vocabulary for name in (each.name, *each.aliases)]
        foreign = [(each.label(other), each) for each in self.vocabulary for other in _BOTH]
        return sorted(((small(name), each) for name, each in own + names + foreign), key=lambda pair: -len(pair[0]))

    def options(self, field: Field, detail: str | None = None) -> Options:
        """The choices of a field, or of one of its details."""
        known = self._options.get((field.name, detail))
        if known is None:
            taken = (name for name, _ in self.fields)
            known = self._options[field.name, detail] = Options(
                field.options(detail), self.language, taken, bare=detail is None
            )
        return known


def language_of(locale: str) -> str:
    """`de` for every German locale, `en` for all others."""
    return Label("en", "de")(locale)
