"""Blanks that nobody wrote: the holes that conditions leave in a mail's text."""

import re


def tidy(text: str) -> str:
    """Rendered text without the holes that conditions leave, and with one line break at its end."""
    return without_holes(text).strip(" \t\n") + "\n"


def without_holes(text: str) -> str:
    """At most one empty line in a row, no blanks at the end of lines, which end with a line feed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("\n", text)
    return _HOLES.sub("\n\n", text) if "\n\n\n" in text else text


_TRAILING = re.compile(r"[ \t]+\n")
_HOLES = re.compile(r"\n{3,}")
