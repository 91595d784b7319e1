"""The transport against a mail server that does everything that mail servers do."""

import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.relay import Relay
from app.transport import MailObject, Outcome, Result
from tests.sink import DROP, HANG, LOSE, Sink
from tests.workers.test_sending import Book, Mails, check
from workers.smtp import SmtpTransport
from workers.smtp.times import Times

CONTENT = b"From: a@b.example\r\nSubject: Hello\r\n\r\nText\r\n"


_opened: list[SmtpTransport] = []


def transport_to(
    relays: Sink | Relay | list[Relay], context: ssl.SSLContext | None = None, **options: Any
) -> SmtpTransport:
    """A transport that takes its leave at the end of the test."""
    wanted = relays.relay if isinstance(relays, Sink) else relays
    _opened.append(SmtpTransport(wanted, "test.example", context, **options))
    return _opened[-1]


@pytest.fixture(autouse=True)
def leave() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def transport(sink: Sink) -> SmtpTransport:
    return transport_to(sink)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that its own signature vouches for, and its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def send(transport: SmtpTransport, recipient: str = "anna@example.org") -> Outcome:
    return transport.send(MailObject(1, "bounce@shop.example", recipient, CONTENT))


def test_a_mail_arrives_byte_for_byte(sink: Sink, transport: SmtpTransport) -> None:
    """R18: lines of one dot and lines that begin with dots are not the end of the mail."""
    content = b".first\r\n.\r\n..two\r\nlast\r\n"
    outcome = transport.send(MailObject(1, "b@shop.example", "anna@example.org", content))
    assert outcome.result is Result.ACCEPTED
    assert outcome.code == 250
    assert sink.messages == [("b@shop.example", "anna@example.org", content)]


def test_many_mails_share_one_connection(sink: Sink, transport: SmtpTransport) -> None:
    for number in range(20):
        assert send(transport, f"p{number}@example.org").result is Result.ACCEPTED
    assert sink.connections == 1
    assert len(sink.messages) == 20


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "dot"])
def test_a_4xx_defers_this_recipient_and_the_next_is_served(phase: str, sink: Sink, transport: SmtpTransport) -> None:
    """Q6."""
    sink.fault = lambda at, _recipient: "451 4.7.1 greylisted" if at == phase else None
    outcome = send(transport)
    assert (outcome.result, outcome.code, outcome.enhanced) == (Result.DEFERRED, 451, "4.7.1")
    assert outcome.text == "4.7.1 greylisted"
    sink.fault = lambda _at, _recipient: None
    assert send(transport, "bert@example.org").result is Result.ACCEPTED
    assert [recipient for _, recipient, _ in sink.messages] == ["bert@example.org"]
    assert sink.connections == 1


@pytest.mark.parametrize("phase", ["rcpt", "data", "dot"])
def test_a_5xx_bounces_this_recipient(phase: str, sink: Sink, transport: SmtpTransport) -> None:
    """R5."""
    sink.fault = lambda at, _recipient: "550 5.1.1 no such person" if at == phase else None
    outcome = send(transport)
    assert (outcome.result, outcome.code, outcome.enhanced) == (Result.BOUNCED, 550, "5.1.1")


def test_a_refused_sender_is_no_fault_of_the_recipient(sink: Sink, transport: SmtpTransport) -> None:
    sink.fault = lambda at, _recipient: "550 5.7.1 sender not allowed" if at == "mail" else None
    outcome = send(transport)
    assert (outcome.result, outcome.code) == (Result.UNREACHABLE, 550)


def test_a_mail_too_large_bounces_by_itself() -> None:
    with Sink(extensions=("SIZE 1000",)) as sink:
        sink.fault = lambda at, _recipient: "552 5.3.4 too large" if at == "mail" else None
        transport = transport_to(sink)
        assert send(transport).result is Result.BOUNCED
        assert f"MAIL FROM:<bounce@shop.example> SIZE={len(CONTENT)}" in sink.commands


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", [DROP, "421 4.3.2 shutting down"])
def test_a_relay_that_goes_away_before_the_content_is_unreachable(
    phase: str, fault: str, sink: Sink, transport: SmtpTransport
) -> None:
    """Q6: nothing was handed over, so the mail goes back to the queue."""
    sink.fault = lambda at, _recipient: fault if at == phase else None
    assert send(transport).result is Result.UNREACHABLE
    sink.fault = lambda _at, _recipient: None
    assert send(transport).result is Result.ACCEPTED
    assert len(sink.messages) == 1


@pytest.mark.parametrize("fault", ["421 4.7.0 too many connections", DROP, "554 5.7.1 go away"])
@pytest.mark.parametrize("phase", ["connect", "ehlo"])
def test_a_relay_that_does_not_want_us_is_unreachable(phase: str, fault: str, sink: Sink) -> None:
    sink.fault = lambda at, _recipient: fault if at == phase else None
    outcome = send(transport_to(sink))
    assert outcome.result is Result.UNREACHABLE
    assert f"localhost:{sink.port}" in outcome.text


def test_an_idle_connection_that_was_cut_is_opened_again(sink: Sink, transport: SmtpTransport) -> None:
    send(transport)
    sink.hang_up()
    assert send(transport, "bert@example.org").result is Result.ACCEPTED
    assert sink.connections == 2
    assert len(sink.messages) == 2


def test_an_idle_connection_that_ends_with_421_is_opened_again(sink: Sink, transport: SmtpTransport) -> None:
    send(transport)
    replies = iter(["421 4.4.2 idle for too long"])
    sink.fault = lambda at, _recipient: next(replies, None) if at == "mail" else None
    assert send(transport).result is Result.ACCEPTED
    assert sink.connections == 2


@pytest.mark.parametrize(("fault", "stored"), [(LOSE, 1), (DROP, 0)])
def test_silence_after_the_dot_is_unknown(fault: str, stored: int, sink: Sink, transport: SmtpTransport) -> None:
    """Q7: it may have arrived, so it is neither lost nor silently sent again (RFC 1047)."""
    sink.fault = lambda at, _recipient: fault if at == "dot" else None
    assert send(transport).result is Result.UNKNOWN
    assert len(sink.messages) == stored
    sink.fault = lambda _at, _recipient: None
    assert send(transport, "bert@example.org").result is Result.ACCEPTED


def test_a_relay_that_hangs_is_left_after_the_time_of_its_phase(sink: Sink) -> None:
    """Q8."""
    transport = transport_to(sink, times=Times(command=0.2))
    sink.fault = lambda at, _recipient: HANG if at == "data" else None
    began = time.monotonic()
    assert send(transport).result is Result.UNREACHABLE
    assert time.monotonic() - began < 2


def test_a_wait_that_is_cut_short_does_not_mix_up_replies(sink: Sink, transport: SmtpTransport) -> None:
    """A job that is stopped while a reply is owed must not read it as the answer to the next mail."""

    def stopped(*_args: object) -> None:
        raise RuntimeError("stopped")

    send(transport)
    sink.fault = lambda at, _recipient: HANG if at == "dot" else None
    signal.signal(signal.SIGALRM, stopped)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(RuntimeError, match="stopped"):
        send(transport)
    sink.fault = lambda _at, _recipient: None
    assert send(transport, "bert@example.org").result is Result.ACCEPTED
    assert sink.connections == 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    outcome = send(transport_to(Relay("smtp", "127.0.0.1", port)))
    assert outcome.result is Result.UNREACHABLE
    assert outcome.text == f"127.0.0.1:{port} cannot be reached: Connection refused"


def test_without_an_offer_of_starttls_nothing_is_sent() -> None:
    """Q9."""
    with Sink() as sink:
        relay = Relay("smtp+starttls", "localhost", sink.port, "user", "secret")
        outcome = send(transport_to(relay))
        assert outcome.result is Result.UNREACHABLE
        assert "offers no STARTTLS" in outcome.text
        assert not [line for line in sink.commands if line.startswith(("MAIL", "AUTH"))]


@pytest.mark.parametrize("security", ["smtp+starttls", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(security: str, server_tls: ssl.SSLContext) -> None:
    """Q9."""
    with Sink(certificate=server_tls, security=security) as sink:
        outcome = send(transport_to(sink))
        assert outcome.result is Result.UNREACHABLE
        assert "certificate is not valid" in outcome.text
        assert not sink.messages


@pytest.mark.parametrize("security", ["smtp+starttls", "smtps"])
def test_over_tls_it_logs_in_and_sends(security: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """S20."""
    with Sink(certificate=server_tls, security=security, password="secret") as sink:
        transport = transport_to(sink, trusting)
        assert send(transport).result is Result.ACCEPTED
        assert len(sink.messages) == 1


def test_a_wrong_password_is_a_trouble_of_the_relay(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Sink(certificate=server_tls, security="smtps", password="secret") as sink:
        relay = Relay("smtps", "localhost", sink.port, "user", "wrong")
        outcome = send(transport_to(relay, trusting))
        assert outcome.result is Result.UNREACHABLE
        assert "refuses user and password of SMTP_URL: 535 5.7.8 wrong password" in outcome.text
        assert "secret" not in outcome.text


def test_a_password_never_leaves_the_machine_in_the_clear() -> None:
    """S20."""
    outcome = send(transport_to(Relay("smtp", "192.0.2.1", 25, "user", "secret")))
    assert outcome.result is Result.UNREACHABLE
    assert "only sent over TLS" in outcome.text


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example>\r\nRCPT TO:<x@y.example",
        "a b@example.org",
        "<a@example.org>",
        "k\u2028the@example.org",
        "",
        "a\0@b.c",
    ],
)
def test_an_address_that_would_break_the_envelope_is_refused(
    address: str, sink: Sink, transport: SmtpTransport
) -> None:
    """S20, R21."""
    assert transport.send(MailObject(1, "b@shop.example", address, CONTENT)).result is Result.BOUNCED
    assert sink.connections == 0


def test_what_the_server_says_is_one_short_line(sink: Sink, transport: SmtpTransport) -> None:
    """S8: it ends up on pages and in logs."""
    sink.fault = lambda at, _recipient: f"550-5.1.1 a\x1b[31m\r\n550 5.1.1 {'b' * 900}" if at == "rcpt" else None
    outcome = send(transport)
    assert outcome.enhanced == "5.1.1"
    assert outcome.text.isprintable()
    assert len(outcome.text) <= 500


@pytest.mark.parametrize("fault", [DROP, HANG, "454 4.7.0 no TLS just now", "220 go ahead\r\n250 and a mail from me"])
def test_a_handshake_that_fails_leaves_nothing_in_the_clear(
    fault: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """Q9. The last is what somebody in between slips in before the encryption begins (CVE-2011-0411)."""
    with Sink(certificate=server_tls, security="smtp+starttls", password="secret") as sink:
        sink.fault = lambda at, _recipient: fault if at == "starttls" else None
        outcome = send(transport_to(sink, trusting, times=Times(command=0.2, connect=0.5)))
        assert outcome.result is Result.UNREACHABLE
        assert not [line for line in sink.commands if line.startswith(("MAIL", "AUTH"))]


def test_a_certificate_for_another_name_is_refused(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """Q9."""
    with Sink(certificate=server_tls, security="smtps") as sink:
        relay = Relay("smtps", "127.0.0.1", sink.port)
        outcome = send(transport_to(relay, trusting))
        assert outcome.result is Result.UNREACHABLE
        assert "certificate is not valid" in outcome.text


def test_a_server_that_speaks_no_tls_where_it_is_wanted_at_once(sink: Sink, trusting: ssl.SSLContext) -> None:
    """Q9."""
    outcome = send(transport_to(Relay("smtps", "localhost", sink.port), trusting))
    assert outcome.result is Result.UNREACHABLE
    assert not sink.messages


@pytest.mark.parametrize("security", ["smtp+starttls", "smtps"])
def test_many_mails_over_tls(security: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Sink(certificate=server_tls, security=security, password="secret") as sink:
        book, mails = Book(), Mails(60, large)
        transport_to(sink, trusting).send_many(book.of_each(mails))
        check(sink, mails, book)
        assert book.of(Result.ACCEPTED) == set(range(60))


def large(key: int) -> MailObject:
    return MailObject(key, "b@shop.example", f"p{key}@example.org", b"Subject: %d\r\n\r\n" % key + b"x" * 70_000)


def test_login_takes_two_steps_where_the_server_knows_no_other(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with Sink(certificate=server_tls, security="smtps", password="secret", login="LOGIN") as sink:
        assert send(transport_to(sink, trusting)).result is Result.ACCEPTED
    with Sink(certificate=server_tls, security="smtps", password="secret", login="CRAM-MD5") as sink:
        outcome = send(transport_to(sink, trusting))
        assert outcome.result is Result.UNREACHABLE
        assert "no login by PLAIN or LOGIN" in outcome.text


def test_a_connection_that_is_cut_before_the_dot_could_leave_puts_nothing_in_doubt() -> None:
    """The server reads no more and hangs up, while most of the content still waits here to be sent."""
    ready, stop = threading.Event(), threading.Event()
    port = 0

    def serve() -> None:
        nonlocal port
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            port = listening.getsockname()[1]
            ready.set()
            while not stop.is_set():
                taken, _ = listening.accept()
                with taken:
                    taken.sendall(b"220 hello\r\n")
                    while not stop.is_set() and (line := taken.recv(1000)):
                        if b"DATA" in line:
                            taken.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
                            time.sleep(0.3)
                            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            break
                        if b"EHLO" in line:
                            taken.sendall(b"250-x\r\n250 PIPELINING\r\n")

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    assert ready.wait(5)
    content = b"Subject: 1\r\n\r\n" + b"x" * 8_000_000
    outcome = transport_to(Relay("smtp", "127.0.0.1", port)).send(MailObject(1, "b@c.example", "a@b.example", content))
    stop.set()
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        pass
    server.join(5)
    assert outcome.result is Result.UNREACHABLE
    assert "hung up" in outcome.text
