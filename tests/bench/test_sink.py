"""The judge of all trials: what it logs, what it does wrong when told to, and that it never says 250 before the log."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.certificates import Authority
from bench.sink_faults import Fault, Faults
from bench.sink_log import read_log
from bench.sink_process import SinkProcess

CONTENT = b"Message-ID: <one@shop.example>\r\nSubject: x\r\n\r\nmark-1=\r\n2-mark\r\n..a line with a dot\r\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SinkProcess]]:
    started = []

    def run(*options: str) -> SinkProcess:
        started.append(SinkProcess(tmp_path, *options))
        return started[-1]

    yield run
    for sink in started:
        sink.__exit__()


def hand_over(client: smtplib.SMTP, recipient: str = "anna@example.org", content: bytes = CONTENT) -> int:
    """The code of the first reply that is not the hoped one, or of the last."""
    client.mail("post@shop.example")
    if (code := client.rcpt(recipient)[0]) != 250:
        return code
    return client.data(content)[0]


def test_each_mail_is_a_line(start: Callable[..., SinkProcess]) -> None:
    sink = start("--marks", r"mark-\d+-mark", "--fsync", "each")
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        assert "pipelining" in dict.fromkeys(client.ehlo()[1].decode().lower().splitlines())
        for recipient in ("anna@example.org", "ben@example.org", "anna@example.org"):
            assert hand_over(client, recipient) == 250
        assert sink.accepted() == 3
    first, *_ = read_log(sink.log)
    assert (first.recipient, first.message_id, first.ending) == ("anna@example.org", "one@shop.example", "250")
    assert first.marks == ("mark-12-mark",)
    found = sink.audit()
    assert (found.accepted, found.unique, found.doubled, found.twice) == (3, 2, 1, {"anna@example.org"})
    assert sink.stop()["accepted"] == 3


@pytest.mark.parametrize("size", [0, 1, 3, 70_000, 300_000])
def test_the_end_is_found_wherever_it_falls(start: Callable[..., SinkProcess], size: int) -> None:
    sink = start()
    content = b"".join(b"%068d\r\n" % line for line in range(size // 70)) + b"x" * (size % 70) + b"\r\n"
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        assert [hand_over(client, content=content) for _ in range(3)] == [250] * 3
    assert {mail.size for mail in read_log(sink.log)} == {len(content)}


def test_what_comes_in_pieces_is_read_as_one(start: Callable[..., SinkProcess]) -> None:
    sink = start()
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        for piece in (b"MAIL FROM:<a@b.c", b">\r\nRCPT TO:<d@e.f>\r", b"\nDATA\r\n", b"hello\r\n.", b"\r", b"\n"):
            client.send(piece)
        assert [client.getreply()[0] for _ in range(4)] == [250, 250, 354, 250]
    assert sink.accepted() == 1


def test_a_lost_reply_is_a_mail_that_was_taken(start: Callable[..., SinkProcess]) -> None:
    sink = start("--fault", "dot:lose:1")
    client = smtplib.SMTP("127.0.0.1", sink.port)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        hand_over(client)
    client.close()
    assert sink.audit().lost_replies == sink.accepted() == 1


@pytest.mark.parametrize(
    ("fault", "code"), [("rcpt:450 4.2.1 busy:1", 450), ("dot:552 5.3.4 too big:1", 552), ("dot:451 4.3.0 no:1", 451)]
)
def test_a_refused_mail_is_no_line(start: Callable[..., SinkProcess], fault: str, code: int) -> None:
    sink = start("--fault", fault)
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        assert hand_over(client) == code
    assert sink.accepted() == 0


def answer(sink: SinkProcess, recipient: str) -> int | None:
    """What a mail gets on a connection of its own; None if it hangs or is cut."""
    client = smtplib.SMTP("127.0.0.1", sink.port, timeout=0.3)
    try:
        return hand_over(client, recipient)
    except (TimeoutError, smtplib.SMTPServerDisconnected):
        return None
    finally:
        client.close()


def test_faults_can_be_for_one_provider_and_end(start: Callable[..., SinkProcess]) -> None:
    """They take effect with a signal, which takes its time."""
    sink = start()
    sink.set_faults("rcpt:hang:1:slow.example")
    assert any(answer(sink, "kim@slow.example") is None for _ in range(100))
    assert answer(sink, "kim@quick.example") == 250
    sink.set_faults()
    assert any(answer(sink, "kim@slow.example") == 250 for _ in range(20))


def test_a_new_recipient_waits_and_is_taken_the_second_time(start: Callable[..., SinkProcess]) -> None:
    sink = start("--greylist", "0.01", "--per-connection", "1")
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        assert hand_over(client) == 451
        while (code := hand_over(client)) == 451:
            client.rset()
        assert code == 250
        with suppress(smtplib.SMTPServerDisconnected):
            assert client.noop()[0] == 421


def test_it_speaks_tls_that_can_be_verified(start: Callable[..., SinkProcess], tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    good, expired = authority.issue(), authority.issue(days=-1)
    context = ssl.create_default_context(cafile=authority.file)
    sink = start("--security", "smtp+starttls", "--certificate", str(good))
    with smtplib.SMTP("localhost", sink.port) as client:
        client.starttls(context=context)
        assert hand_over(client) == 250
    sink.stop()
    sink = start("--security", "smtp+starttls", "--certificate", str(expired))
    client = smtplib.SMTP("localhost", sink.port)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        client.starttls(context=context)
    client.close()


def test_the_same_seed_strikes_the_same_people() -> None:
    people = [f"reader{number}@example.org" for number in range(1000)]
    faults = [Faults([Fault("rcpt", "450 4.2.1 busy", 0.1)], seed) for seed in (1, 1, 2)]
    struck = [
        {each for each in order if dice.strike("rcpt", each)}
        for dice, order in zip(faults, (people, people[::-1], people), strict=True)
    ]
    assert struck[0] == struck[1] != struck[2]
    assert 50 < len(struck[0]) < 150


@pytest.mark.parametrize("text", ["rcpt:450", "nowhere:drop:1", "rcpt:200 fine:1", "dot:sleep:0.5"])
def test_a_fault_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a fault"):
        Fault.parse(text)
