"""Where and why a typed sentence could not be read, as a sentence that helps.

In charge of remembering the furthest place that reading came to, what could have stood there, and which known word is
most like what does.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from segments.label import Label
from segments.naming import small
from segments.rule import RuleError
from segments.scan import Text

_SHOWN = 4


class SentenceError(RuleError):
    """A sentence that cannot be read, from the character `at` (the first is 0) on, `length` characters long."""

    def __init__(self, message: Label, at: int = 0, length: int = 0) -> None:
        super().__init__("", message)
        self.at = at
        self.length = length


class Miss:
    """The furthest that reading came."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._at = -1
        self._wanted: dict[Label, None] = {}
        self._near: dict[str, None] = {}

    def expect(self, at: int, wanted: Label, near: Iterable[str] = ()) -> None:
        """Something else should stand here; `near` are words that may have been meant."""
        if at > self._at:
            self._at, self._wanted, self._near = at, {}, {}
        if at == self._at:
            self._wanted[wanted] = None
            self._near |= dict.fromkeys(near)

    def error(self) -> SentenceError:
        """What to say about it."""
        at = max(self._at, 0)
        word = self._word(at)
        column = at + 1
        wanted = list(self._wanted)[:_SHOWN]
        english, german = (_enumerated([each(locale) for each in wanted], locale) for locale in ("en", "de"))
        here = Label(f"“{word}”", f"„{word}“") if word else Label("the end", "das Ende")
        meant = self._meant(word)
        return SentenceError(
            Label(
                f"column {column}: expected {english}, not {here.en}" + (f"; did you mean “{meant}”?" if meant else ""),
                f"Spalte {column}: erwartet wird {german}, nicht {here.de}"
                + (f"; ist „{meant}“ gemeint?" if meant else ""),
            ),
            at,
            len(word),
        )

    def at(self, at: int, message: Label, length: int | None = None) -> SentenceError:
        """An error at a place, with a message of its own; of the word there, if nothing is said of its length."""
        said = Label(f"column {at + 1}: {message.en}", f"Spalte {at + 1}: {message.de}")
        return SentenceError(said, at, len(self._word(at)) if length is None else length)

    def _word(self, at: int) -> str:
        found = self._text.quoted(at) or self._text.bare(at)
        word = found[0] if found else self._text.raw[at : at + 1]
        return word if len(word) <= 40 else word[:39] + "…"

    def _meant(self, word: str) -> str | None:
        """The known word most like this one, or most like it and some that follow."""
        names = {small(each): each for each in self._near}
        close = get_close_matches(small(word), names, n=1, cutoff=0.6) if word else []
        return names[close[0]] if close else None


def _enumerated(parts: list[str], locale: str) -> str:
    *head, tail = parts or [Label("a condition", "eine Bedingung")(locale)]
    return f"{', '.join(head)} {Label('or', 'oder')(locale)} {tail}" if head else tail
