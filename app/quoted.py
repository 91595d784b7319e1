"""Quoted-printable text in pieces that can be joined in any order (RFC 2045 §6.7).

In charge of: pieces that begin and end at the start of a line, so that text which is the same for everybody is encoded
once and only what differs is encoded for each mail. Not of what the pieces say, nor of the mail around them (mail).

A piece is ASCII, its lines end with CRLF and have at most 76 characters, and none begins with a dot: so nothing has to
be changed on the way to the next hop, neither for 7 bits nor for the lone dot of SMTP (RFC 5321 §4.5.2, TRUST R18).
Nor has DKIM to make anything canonical: no blank ends a line, and none follows another (RFC 6376 §3.4.4).
"""

import re
from binascii import b2a_qp


def quoted(text: str) -> str:
    """The text as one piece. Its lines may end in any way; it may hold anything."""
    # Most names and addresses: found out faster than encoded.
    if text.isascii() and text.isprintable() and "=" not in text and "  " not in text and text and text[0] != ".":
        if len(text) <= _WIDTH:
            return f"{text}{SOFT_BREAK}"
        piece = f"{SOFT_BREAK.join([text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)])}{SOFT_BREAK}"
        if "\n." not in piece:
            return piece
    if "  " in text or "\t" in text:
        # Every second one is a run, as the pattern has a group.
        parts = enumerate(_RUN.split(text))
        return "".join([_blanks(part) if at % 2 else quoted(part) for at, part in parts if part])
    text = _with_line_feeds(text)
    # The letter keeps a blank at the end from being taken for one at the end of a line.
    piece = b2a_qp((text + "x").encode(errors="replace")).decode("ascii")[:-1]
    if piece and piece[-1] != "\n":
        piece += "=\n"
    if "=20\n" in piece:
        piece = _BLANK_AT_END.sub(r"=\n\1", piece)
    if piece[:1] == "." or "\n." in piece:
        piece = _DOTS.sub(_hidden_dots, piece)
    return piece.replace("\n", "\r\n")


def whole(body: str) -> str:
    """Joined pieces as a body, which ends with a whole line."""
    # A blank must not end a line: there the soft break stays.
    return body[: -len(SOFT_BREAK)] + "\r\n" if _TO_BE_CLOSED.search(body, len(body) - 4) else body


def whole_lines(text: str) -> str:
    """The text as a body of its own, and a line break behind it."""
    return quoted(_with_line_feeds(text) + "\n")


def _blanks(run: str) -> str:
    """Every other blank encoded, and each tab: to relaxed eyes there is never more than one."""
    coded = ["=09" if blank == "\t" else "=20" if at % 2 else " " for at, blank in enumerate(run)]
    lines = ["".join(coded[at : at + _BLANKS]) for at in range(0, len(coded), _BLANKS)]
    return "".join([f"{line}{SOFT_BREAK}" for line in lines])


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _hidden_dots(found: re.Match[str]) -> str:
    """Each on a line of its own, so that no line becomes longer than it may be."""
    return "=2E=\n" * len(found["dots"])


SOFT_BREAK = "=\r\n"
_WIDTH = 75
# The standard library encodes it behind the 76th character, if it stands there.
_BLANK_AT_END = re.compile(r"(?<!^)(=20)$", re.MULTILINE)
# Several blanks, or a tab.
_RUN = re.compile(r"( *\t[ \t]*|  +)")
_BLANKS = 24
# A soft break after the dots is the one that their last line ends with.
_DOTS = re.compile(r"^(?P<dots>\.+)(?:=\n)?", re.MULTILINE)
_TO_BE_CLOSED = re.compile(r"(?<![ \t])=\r\n\Z")
