"""What a server says, taken apart: bytes as they come in, replies as they are complete (RFC 5321 §4.2).

In charge of: lines, codes, several lines of one reply, and limits against a server that never ends. Not of: what a
reply means for a mail (`wording.py`), and to what it is the answer (`connection.py`).
"""

# RFC 5321 §4.5.3.1.5 allows a line of 512 octets; real servers write longer ones.
_LONGEST_LINE = 8192
_MOST_LINES = 200
_CODES = {b"%d" % code: code for code in range(200, 600)}

# Code, and the text of its lines joined by line feeds.
Reply = tuple[int, bytes]


class Garbled(Exception):
    """These bytes are not SMTP; the message says what was read."""


class Replies:
    """Collects bytes and gives out whole replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def is_between(self) -> bool:
        """Whether nothing has come in since the last whole reply."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete with these bytes. Raises Garbled."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_LINE:
            raise Garbled("a line without end")
        replies = []
        for line in lines:
            code = _CODES.get(line[:3])
            mark = line[3:4]
            if code is None or mark not in (b" ", b"-", b"\r", b"") or len(line) > _LONGEST_LINE:
                raise Garbled(repr(line[:60])[2:-1])
            if mark == b"-":
                self._lines.append(line[4:].rstrip(b"\r"))
                if len(self._lines) > _MOST_LINES:
                    raise Garbled("a reply without end")
                continue
            text = line[4:].rstrip(b"\r")
            if self._lines:
                text = b"\n".join([*self._lines, text])
                self._lines = []
            replies.append((code, text))
        return replies
