"""What servers say, however it is cut into pieces and whatever they mean by it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transport import Outcome, Result
from workers.smtp.envelope import Offers, stuffed
from workers.smtp.replies import Garbled, Replies, Reply
from workers.smtp.wording import outcome_of, words

_TEXT = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b" ").replace(b"\r", b" "))
_REPLY = st.tuples(st.integers(200, 599), st.lists(_TEXT, min_size=1, max_size=5))


def _wire(code: int, lines: list[bytes]) -> bytes:
    marks = [b"-"] * (len(lines) - 1) + [b" "]
    return b"".join(b"%d%s%s\r\n" % (code, mark, line) for mark, line in zip(marks, lines, strict=True))


def _read(chunks: list[bytes]) -> list[Reply]:
    replies = Replies()
    return [reply for chunk in chunks for reply in replies.feed(chunk)]


@given(st.lists(_REPLY, max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_replies_are_read_alike_however_they_are_cut(said: list[tuple[int, list[bytes]]], cuts: list[int]) -> None:
    wire = b"".join(_wire(*each) for each in said)
    at = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    chunks = [wire[begin:end] for begin, end in pairwise(at)]
    assert _read(chunks) == [(code, b"\n".join(lines)) for code, lines in said]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_bytes_do_more_than_say_that_they_are_garbled(chunks: list[bytes]) -> None:
    try:
        replies = _read(chunks)
    except Garbled:
        return
    assert all(200 <= code < 600 for code, _ in replies)


@pytest.mark.parametrize("flood", [b"250-" + b"x" * 100 + b"\r\n", b"x" * 4096, b"250 " + b"x" * 9000])
def test_a_server_that_never_ends_is_left(flood: bytes) -> None:
    with pytest.raises(Garbled):
        _read([flood] * 1000)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"\r\n", b"25 ok\r\n", b"250_ok\r\n", b"650 ok\r\n"])
def test_what_is_no_smtp_is_garbled(said: bytes) -> None:
    with pytest.raises(Garbled):
        Replies().feed(said)


@pytest.mark.parametrize(
    ("reply", "phase", "expected"),
    [
        ((250, b"2.0.0 Ok: queued as 4XYZ"), "dot", Outcome(Result.ACCEPTED, 250, "2.0.0", "2.0.0 Ok: queued as 4XYZ")),
        ((450, b"4.2.0\n4.2.0 Greylisted"), "rcpt", Outcome(Result.DEFERRED, 450, "4.2.0", "4.2.0 4.2.0 Greylisted")),
        ((550, b"No such user"), "rcpt", Outcome(Result.BOUNCED, 550, None, "No such user")),
        ((550, b"5.7.1 you?"), "mail", Outcome(Result.UNREACHABLE, 550, "5.7.1", "5.7.1 you?")),
        ((552, b"5.3.4 too big"), "mail", Outcome(Result.BOUNCED, 552, "5.3.4", "5.3.4 too big")),
        ((452, b"later"), "mail", Outcome(Result.DEFERRED, 452, None, "later")),
    ],
)
def test_what_replies_mean(reply: Reply, phase: str, expected: Outcome) -> None:
    assert outcome_of(reply, phase) == expected


@given(st.binary(max_size=700))
def test_words_are_one_short_line(text: bytes) -> None:
    """S8."""
    shown = words(text)
    assert len(shown) <= 500
    assert not [each for each in shown if ord(each) < 32 or 127 <= ord(each) < 160]


def test_offers_are_read_as_servers_write_them() -> None:
    said = b"mx.example at your service\nPIPELINING\nsize 35882577\nAUTH=LOGIN\nAUTH PLAIN XOAUTH2\nSTARTTLS"
    assert Offers.read(said) == Offers(
        pipelining=True, starttls=True, size=35882577, auth=frozenset({"LOGIN", "PLAIN", "XOAUTH2"})
    )
    assert Offers.read(b"PIPELINING") == Offers()  # the first line is a name
    assert Offers.read(b"x\nSIZE\nAUTH\n") == Offers(size=0)


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"..", b"\r\n."]), max_size=12).map(b"".join))
def test_stuffing_is_undone_by_the_server(content: bytes) -> None:
    """RFC 5321 §4.5.2: the content ends only where it ends, and comes out as it went in."""
    wire = stuffed(content) + b".\r\n"
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3
    lines = [line[1:] if line.startswith(b".") else line for line in wire[:-3].split(b"\r\n")]
    unstuffed = b"\r\n".join(lines)
    assert unstuffed in (content, content + b"\r\n")
