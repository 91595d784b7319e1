"""A sentence that somebody typed → a rule; the way back from `segments.sentence`.

    clicked >= 1 in 30 days and not tag:press
    Stufe ist Treu und Land in (DE, AT) oder Umsatz > 100 EUR

In charge of how conditions join: and, or, not, parentheses, “none of: …; …”. "And" binds closer than "or". What stands
in a condition is `segments.typed_conditions`' business. Names and phrases of both languages are known at once; where
the same words mean two things, the sentence's own language goes first.
"""

from collections.abc import Callable
from typing import TypeVar

from segments import wording as say
from segments.canonical import canonical
from segments.label import Label
from segments.misread import Miss, SentenceError
from segments.naming import Names, language_of
from segments.rule import MAX_DEPTH, MAX_NODES, All, Any, Not, Rule, RuleError, parse, to_json
from segments.scan import Text
from segments.typed_conditions import Conditions
from segments.vocabulary import Vocabulary

__all__ = ["MAX_LENGTH", "SentenceError", "read_sentence"]

MAX_LENGTH = 20_000
T = TypeVar("T")

_AND = (say.AND.en, say.AND.de, "but", "aber", ", but", ", aber", "&&", "&")
_OR = (say.OR.en, say.OR.de, "||", "|")
_JOINS = Label("“and”, “or” or the end", "„und“, „oder“ oder das Ende")
_CLOSE = Label("“)”", "„)“")


def read_sentence(text: str, vocabulary: Vocabulary, locale: str) -> Rule:
    """The rule that the sentence says, in its canonical form; `SentenceError` where it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise SentenceError(
            Label(
                f"the sentence is longer than {MAX_LENGTH:,} characters",
                f"der Satz ist länger als {MAX_LENGTH:,} Zeichen".replace(",", "."),
            )
        )
    language = language_of(locale)
    rule = _Reader(Text(text, language), Names(vocabulary, language)).sentence()
    try:
        vocabulary.check(parse(to_json(rule)))
    except SentenceError:
        raise
    except RuleError as error:
        raise SentenceError(error.message) from error
    return canonical(rule, vocabulary)


class _Reader:
    def __init__(self, text: Text, names: Names) -> None:
        self._text, self._vocabulary = text, names.vocabulary
        self._miss = Miss(text)
        self._conditions = Conditions(text, names, self._miss, self._is_end)
        self._depth = 0
        self._count = 0

    def sentence(self) -> Rule:
        rule, at = self._either(self._text.skip(0))
        if at < len(self._text.raw):
            self._miss.expect(at, _JOINS)
            raise self._miss.error()
        return rule

    def _is_end(self, at: int) -> bool:
        """Whether a condition may end here."""
        at = self._text.skip(at)
        return self._text.raw[at : at + 1] in {"", ")", ";"} or self._text.first(at, *_AND, *_OR) is not None

    def _either(self, at: int) -> tuple[Rule, int]:
        return self._joined(at, _OR, Any)

    def _both(self, at: int) -> tuple[Rule, int]:
        return self._joined(at, _AND, All)

    def _joined(self, at: int, words: tuple[str, ...], join: type[All] | type[Any]) -> tuple[Rule, int]:
        """One rule, or several with these words between them."""
        below = self._both if join is Any else self._one
        rule, at = below(at)
        rules = [rule]
        while (end := self._text.first(at, *words)) is not None:
            rule, at = below(self._text.skip(end))
            rules.append(rule)
        return (rules[0] if len(rules) == 1 else join(tuple(rules))), at

    def _one(self, at: int) -> tuple[Rule, int]:
        self._count += 1
        if self._count > MAX_NODES:
            raise self._miss.at(at, Label(f"more than {MAX_NODES} conditions", f"mehr als {MAX_NODES} Bedingungen"))
        if self._text.raw[at : at + 1] == "(":
            return self._inside(at)
        for phrase, join in ((say.NONE_OF, Any), (say.NOT_ALL_OF, All)):
            if (end := self._text.first(at, f"{phrase.en}:", f"{phrase.de}:")) is not None:
                rules, at = self._deeper(end, self._list)
                return Not(join(rules)), at
        if (end := self._text.first(at, f"{say.NOT.en}:", f"{say.NOT.de}:", "!")) is not None:
            rule, at = self._deeper(end, self._one)
            return Not(rule), at
        for word, everybody in ((say.EVERYBODY, All(())), (say.NOBODY, Any(()))):
            end = self._text.first(at, word.en, word.de)
            if end is not None and self._is_end(end):
                return everybody, self._text.skip(end)
        return self._condition(at)

    def _condition(self, at: int) -> tuple[Rule, int]:
        """A condition, or "not" before one: "not clicked" is a phrase of its own, so it is looked for first."""
        found = self._conditions.find(at)
        if found is not None:
            self._check(found[0], at, found[1])
            return found[0], self._text.skip(found[1])
        if (end := self._text.first(at, say.NOT.en, say.NOT.de)) is not None:
            rule, at = self._deeper(end, self._one)
            return Not(rule), at
        raise self._miss.error()

    def _check(self, rule: Rule, at: int, end: int) -> None:
        """A condition that can be read may still say what cannot be; then it is the place to look at."""
        try:
            self._vocabulary.check(rule)
        except RuleError as error:
            raise self._miss.at(at, error.message, end - at) from error

    def _inside(self, at: int) -> tuple[Rule, int]:
        rule, at = self._deeper(at + 1, self._either)
        if self._text.raw[at : at + 1] != ")":
            self._miss.expect(at, _JOINS if at < len(self._text.raw) else _CLOSE)
            raise self._miss.error()
        return rule, self._text.skip(at + 1)

    def _list(self, at: int) -> tuple[tuple[Rule, ...], int]:
        rule, at = self._either(at)
        rules = [rule]
        while self._text.raw[at : at + 1] == ";":
            rule, at = self._either(self._text.skip(at + 1))
            rules.append(rule)
        return tuple(rules), at

    def _deeper(self, at: int, read: Callable[[int], tuple[T, int]]) -> tuple[T, int]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._miss.at(
                at,
                Label(f"groups nest deeper than {MAX_DEPTH}", f"Gruppen sind tiefer als {MAX_DEPTH} verschachtelt"),
            )
        found = read(self._text.skip(at))
        self._depth -= 1
        return found
