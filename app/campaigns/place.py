"""Where in the HTML a tag of a template stands, and whether it may.

In charge of: following static HTML as far as needed to know content, tag, attribute value, comment or raw text. Not of
hiding anything: shield asks here and acts.
"""

import re
from enum import Enum, auto

from segments.label import Label


class Kind(Enum):
    EXPRESSION = "{{"
    STATEMENT = "{%"
    REMARK = "{#"


class _In(Enum):
    CONTENT = auto()
    TAG = auto()
    BEFORE_VALUE = auto()
    VALUE = auto()
    COMMENT = auto()
    RAW = auto()  # style, script, title, textarea: up to the closing tag


class HtmlPlace:
    """Knows where in the HTML the text read so far ends."""

    def __init__(self) -> None:
        self.state = _In.CONTENT
        self.tag = self.attribute = self.quote = ""
        self.value = ""  # of the attribute so far, a tag of the template standing as one letter
        self.at_name = False
        self._places = 0

    def read(self, text: str) -> None:
        position = 0
        while position < len(text):
            position = self._step(text, position)

    @property
    def number(self) -> int:
        """0 in content; every attribute value, comment and raw element has a number of its own."""
        return 0 if self.state is _In.CONTENT else self._places

    @property
    def in_style(self) -> bool:
        return self.attribute == "style" and self.state is not _In.CONTENT

    def takes_words(self, kind: Kind) -> bool:
        """Whether the tag becomes a word here; otherwise it becomes a comment."""
        return kind is Kind.EXPRESSION or self.state is not _In.CONTENT

    def pass_over(self, kind: Kind) -> None:
        """A tag of the template stands here."""
        if self.state is _In.BEFORE_VALUE:
            self.state, self.quote, self.value = _In.VALUE, "", ""
        self.value += "w" if kind is Kind.EXPRESSION else ""

    def refusal(self, kind: Kind, tag: str) -> Label | None:
        """Why the tag may not stand here, or None."""
        if self.state is _In.RAW and self.tag in {"style", "script"}:
            return IN_STYLE
        if self.state is _In.TAG or self.at_name:
            return IN_TAG
        if self.state not in {_In.VALUE, _In.BEFORE_VALUE}:
            return None
        if self.attribute == "class":
            return IN_CLASS
        if self.attribute == "style" and kind is Kind.STATEMENT:
            return self._style_refusal(tag)
        return None

    def _style_refusal(self, tag: str) -> Label | None:
        opening = not re.match(r"\{%[-+]?\s*(?:end|el)", tag)
        start = self.value if opening else self.value.rpartition("(")[2]
        if (opening and self.value.strip()[-1:] in {"", ";"}) or (not opening and ";" in start):
            return IN_DECLARATIONS
        self.value += "(" if opening else ""
        return None

    def _step(self, text: str, position: int) -> int:
        match self.state:
            case _In.CONTENT:
                return self._content(text, position)
            case _In.TAG:
                return self._tag(text, position)
            case _In.BEFORE_VALUE:
                return self._before_value(text, position)
            case _In.VALUE:
                return self._value(text, position)
            case _In.COMMENT:
                return self._comment(text, position)
            case _In.RAW:
                return self._raw(text, position)

    def _content(self, text: str, position: int) -> int:
        found = _OPENING.search(text, position)
        if not found:
            self.at_name = bool(_BROKEN_NAME.search(text, position))
            return len(text)
        self.at_name = False
        if found["comment"]:
            self._enter(_In.COMMENT)
        elif found["name"]:
            self.tag, self.state = ("" if found["close"] else found["name"].lower()), _In.TAG
        else:
            self.tag, self.state = "", _In.TAG
        return found.end()

    def _tag(self, text: str, position: int) -> int:
        found = _IN_TAG.match(text, position)
        if not found:
            return position + 1
        if found[0] == ">":
            raw = self.tag in {"style", "script", "title", "textarea"}
            self._enter(_In.RAW) if raw else self._leave()
        elif found["equals"]:
            self.attribute = found["name"].lower()
            self._enter(_In.BEFORE_VALUE)
        return found.end()

    def _before_value(self, text: str, position: int) -> int:
        self.quote, self.value, self.state = "", "", _In.VALUE
        if text[position] in "\"'":
            self.quote = text[position]
            return position + 1
        if text[position].isspace():
            self.state = _In.BEFORE_VALUE
            return position + 1
        return position

    def _value(self, text: str, position: int) -> int:
        found = re.compile(self.quote or r"(?=[\s>])").search(text, position)
        self.value += text[position : found.start() if found else len(text)]
        if found:
            self.state = _In.TAG
        return found.end() if found else len(text)

    def _comment(self, text: str, position: int) -> int:
        end = text.find("-->", position)
        if end >= 0:
            self._leave()
        return end + 3 if end >= 0 else len(text)

    def _raw(self, text: str, position: int) -> int:
        found = re.compile(rf"</{self.tag}", re.IGNORECASE).search(text, position)
        if found:
            self.tag, self.state = "", _In.TAG
        return found.end() if found else len(text)

    def _enter(self, state: _In) -> None:
        self.state = state
        self._places += 1

    def _leave(self) -> None:
        self.state, self.tag = _In.CONTENT, ""


_OPENING = re.compile(r"<(?:(?P<comment>!--)|[!?]|(?P<close>/)?(?P<name>[a-zA-Z][^\s/>]*))")
_BROKEN_NAME = re.compile(r"</?$")
_IN_TAG = re.compile(r">|(?P<name>[^\s=>\"'/]+)\s*(?P<equals>=)?|[\s/]+")

IN_STYLE = Label(
    en="Merge tags and conditions cannot stand inside <style> or <script>.",
    de="Platzhalter und Bedingungen dürfen nicht in <style> oder <script> stehen.",
)
IN_TAG = Label(
    en="Merge tags and conditions cannot stand inside an HTML tag, only in the value of an attribute.",
    de="Platzhalter und Bedingungen dürfen nicht in einem HTML-Tag stehen, nur im Wert eines Attributs.",
)
IN_CLASS = Label(
    en="A class cannot depend on the person. Put the condition around the element.",
    de="Eine Klasse kann nicht von der Person abhängen. Setzen Sie die Bedingung um das Element.",
)
IN_DECLARATIONS = Label(
    en="In a style, a condition can hold one value, as in color:{% if … %}red{% endif %}, not a declaration.",
    de="In einem Stil darf eine Bedingung nur einen Wert umschließen: color:{% if … %}red{% endif %}.",
)
