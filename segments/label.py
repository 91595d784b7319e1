"""A word in both languages of the house.

In charge of words that are part of the model (fields, operators, error messages of rules), which must exist
in English and German from the start. Words on pages go through gettext instead.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """`label("de-AT")` is the German word; any other locale gets the English one."""

    en: str
    de: str

    def __call__(self, locale: str) -> str:
        return self.de if locale.lower().startswith("de") else self.en
