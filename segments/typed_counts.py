"""How often something happened, as a typed sentence says it: before the event or behind it, in signs or in words.

    clicked at least 3 times · never clicked · genau 3-mal geklickt · clicked <= 2 in 30 days

In charge of events. The limits around the count (when, which link) are read by `segments.typed_scopes`.
"""

from collections.abc import Iterator

from segments import wording as say
from segments.label import Label
from segments.misread import Miss
from segments.naming import Names
from segments.operators import FieldType, Operator
from segments.rule import All, Condition, Rule
from segments.scan import Text
from segments.typed_phrases import OFTEN, SO_OFTEN, sign_and_number
from segments.typed_scopes import Found, Scope, Scopes
from segments.vocabulary import Field

_EVENT = Label("something that happens, such as “clicked”", "etwas, das geschieht, wie „geklickt“")
_ONCE = Label("a number from 1 on", "eine Zahl ab 1")


class Counts:
    """Reads conditions on events."""

    def __init__(self, text: Text, names: Names, miss: Miss, scopes: Scopes) -> None:
        self._text, self._names, self._miss, self._scopes = text, names, miss, scopes

    def before(self, at: int) -> Iterator[Found]:
        """Events whose count stands before them: “never clicked”, “mindestens 3-mal geklickt”."""
        if (often := self._often(at, before=True)) is not None:
            sign, number, end = often
            yield from self._named(end, sign, number)
        for phrase in (say.NEVER, say.NOT_LATELY):
            for language in ("en", "de"):
                said = self._text.phrase(at, phrase(language).split("{event}", maxsplit=1)[0])
                if said is not None:
                    yield from self._named(said, "<", 1, expected=phrase is say.NEVER)

    def of(self, field: Field, at: int) -> Iterator[Found]:
        """What is said after the name of an event."""
        scope, end = self._scopes.scope(field, at)
        start = self._text.skip(end)
        often = self._often(start)
        if often is None:
            yield Condition(field.name, Operator.HAPPENED.value, scope), end
            return
        sign, number, end = often
        after, end = self._scopes.scope(field, end)
        rule = _counted(field, sign, number, {**scope, **after})
        if rule is not None:
            yield rule, end
        else:
            self._miss.expect(start, _ONCE)

    def _often(self, at: int, *, before: bool = False) -> tuple[str, int, int] | None:
        """The sign, the number and the place after them."""
        found = self._text.match(at, SO_OFTEN if before else OFTEN)
        if found is None:
            return None
        sign, digits = sign_and_number(found)
        number = Text(digits, "en").whole(0)
        return (sign, number[0], found.end()) if number and number[1] == len(digits) else None

    def _named(self, at: int, sign: str, number: int, *, expected: bool = True) -> Iterator[Found]:
        at = self._text.skip(at)
        events = [(name, field) for name, field in self._names.fields if field.type is FieldType.EVENT]
        for name, field in events:
            if (end := self._text.phrase(at, name)) is not None:
                scope, end = self._scopes.scope(field, end)
                if (rule := _counted(field, sign, number, scope)) is not None:
                    yield rule, end
        if expected:
            self._miss.expect(at, _EVENT, (name for name, _ in events))


def _counted(field: Field, sign: str, number: int, scope: Scope) -> Rule | None:
    """What `sign number` says of how often something happened; None of what is always so, or never."""
    at_least = number + 1 if sign in {">", "<="} else number
    seldom = Condition(field.name, Operator.NOT_HAPPENED.value, {"at_least": at_least, **scope})
    often = Condition(field.name, Operator.HAPPENED.value, {"at_least": at_least, **scope})
    if sign == "=":
        fewer = Condition(field.name, Operator.NOT_HAPPENED.value, {"at_least": number + 1, **scope})
        return All((often, fewer)) if number else fewer
    if not at_least:
        return None
    return often if sign in {">", ">="} else seldom
