"""Transport over SMTP: one connection, kept open from mail to mail, and the server's answer as an Outcome.

It keeps apart whose trouble it is. DEFERRED and BOUNCED speak of one recipient; UNREACHABLE means that the
relay would treat everybody so (no connection, no TLS, no login, sender refused): a campaign pauses and
shows the text. UNKNOWN is only the gap of RFC 1047: the final dot went out and no reply came in. Nothing is
ever sent in the clear where TLS was asked for (TRUST Q9). Not in charge of: when to try again, and how fast
to send.
"""

import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress

from app.config import Relay
from app.transport import Handover, MailObject, Outcome, Result

# RFC 5321 §4.5.3.2, seconds. A shorter wait at the dot makes doubles.
_CONNECT, _COMMAND, _DATA, _BLOCK, _DOT = 30, 300, 120, 180, 600
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")
_NOT_READY = 0.005  # seconds
_LOST = 421  # RFC 5321 §3.8: the server closes the connection, whatever was asked
_TOO_BIG = 552
# What may stand between < and > on the wire (TRUST S20).
_ADDRESS = re.compile(r"[!-;=?-~]+")


class _Refused(Exception):
    """A reply other than the hoped one, before the content went out."""

    def __init__(self, phase: str, code: int, text: bytes) -> None:
        super().__init__(phase)
        self.phase, self.code, self.text = phase, code, text


class _Unreachable(Exception):
    """The relay cannot be used; the message says why, in plain words."""


class _Connection(smtplib.SMTP):
    """smtplib's client, with timeouts by phase and TLS from the first byte where the relay wants that."""

    def __init__(self, relay: Relay, own_name: str, context: ssl.SSLContext) -> None:
        self._relay, self._context = relay, context
        super().__init__(relay.host, relay.port, local_hostname=own_name)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        plain = socket.create_connection((host, port), _CONNECT)
        # The dot is a small write behind a large one: Nagle's algorithm would hold it back.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(_COMMAND)
        if self._relay.security == "smtps":
            return self._context.wrap_socket(plain, server_hostname=host)
        return plain

    def expect(self, phase: str, command: str, hoped: int, seconds: float = _COMMAND) -> None:
        """Send a command and wait for its reply; raise _Refused when it is another one."""
        assert self.sock
        self.sock.settimeout(seconds)
        code, text = self.docmd(command)
        if code != hoped:
            raise _Refused(phase, code, text)

    def put(self, content: bytes, seconds: float) -> None:
        """Send bytes as they are."""
        assert self.sock
        self.sock.settimeout(seconds)
        self.send(content)


class SmtpTransport:
    """Hands mails to one relay. Not for two threads at once."""

    def __init__(self, relay: Relay, own_name: str, context: ssl.SSLContext | None = None) -> None:
        self._relay = relay
        self._own_name = own_name
        self._context = context or ssl.create_default_context()
        self._connection: _Connection | None = None
        self._clean = True

    def send(self, mail: MailObject) -> Outcome:
        """Hand over one mail and wait for the final reply."""
        sender = mail.envelope_sender
        if not _ADDRESS.fullmatch(mail.recipient) or (sender and not _ADDRESS.fullmatch(sender)):
            return Outcome(Result.BOUNCED, 553, "5.1.3", "not an address that can be reached")
        reused = self._connection is not None
        try:
            connection = self._connection or self._connect()
            self._introduce(connection, sender, mail.recipient, mail.content)
            return self._finish(connection)
        except _Unreachable as error:
            return Outcome(Result.UNREACHABLE, text=str(error))
        except (_Refused, OSError) as error:
            if _is_lost(error):
                self._drop()
                if reused:
                    # Relays hang up on idle connections: that says nothing about this mail.
                    return self.send(mail)
            return self._not_taken(error)
        except BaseException:
            # Stopped in mid-sentence: a reply still to come would be taken for the next one's.
            self._drop()
            raise

    def send_many(self, mails: Iterator[MailObject | None], handover: Handover) -> None:
        """One after the other."""
        for mail in mails:
            if mail is None:
                time.sleep(_NOT_READY)
                continue
            if not handover.may_go_on():
                handover.end(mail, Outcome(Result.UNREACHABLE, text="stopped"))
                return
            handover.begin(mail)
            outcome = self.send(mail)
            handover.end(mail, outcome)
            if outcome.result is Result.UNREACHABLE:
                return

    def close(self) -> None:
        """Take leave of the relay."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.quit()
            connection.close()

    def _connect(self) -> _Connection:
        relay, where = self._relay, f"{self._relay.host}:{self._relay.port}"
        if relay.username and relay.security == "smtp" and not _is_loopback(relay.host):
            raise _Unreachable(
                f"{where}: user and password are only sent over TLS: smtp+starttls:// or smtps:// in SMTP_URL"
            )
        try:
            connection = _Connection(relay, self._own_name, self._context)
        except ssl.SSLCertVerificationError as error:
            raise _Unreachable(f"{where}: its certificate is not valid: {error.verify_message}") from error
        except OSError as error:
            raise _Unreachable(f"{where} cannot be reached: {_words(error)}") from error
        try:
            self._secure(connection, where)
            self._log_in(connection, where)
        except BaseException:
            connection.close()
            raise
        self._connection, self._clean = connection, True
        return connection

    def _secure(self, connection: _Connection, where: str) -> None:
        try:
            connection.ehlo_or_helo_if_needed()
            if self._relay.security != "smtp+starttls":
                return
            # RFC 3207 §4.1: whoever can strip the offer can read the mail, so no offer means no mail.
            if not connection.has_extn("starttls"):
                raise _Unreachable(f"{where} offers no STARTTLS, and SMTP_URL asks for it")
            connection.starttls(context=self._context)
            connection.ehlo()
        except ssl.SSLCertVerificationError as error:
            raise _Unreachable(f"{where}: its certificate is not valid: {error.verify_message}") from error
        except OSError as error:
            raise _Unreachable(f"{where} ended the greeting: {_words(error)}") from error

    def _log_in(self, connection: _Connection, where: str) -> None:
        if not self._relay.username:
            return
        try:
            connection.login(self._relay.username, self._relay.password or "")
        except smtplib.SMTPAuthenticationError as error:
            raise _Unreachable(f"{where} refuses user and password of SMTP_URL: {_words(error)}") from error
        except OSError as error:
            raise _Unreachable(f"{where} takes no login: {_words(error)}") from error

    def _introduce(self, connection: _Connection, sender: str, recipient: str, content: bytes) -> None:
        """All up to the content; what fails here has not been handed over."""
        if not self._clean:
            connection.expect("rset", "RSET", 250)
        self._clean = False
        size = f" SIZE={len(content)}" if connection.has_extn("size") else ""
        connection.expect("mail", f"MAIL FROM:<{sender}>{size}", 250)
        connection.expect("rcpt", f"RCPT TO:<{recipient}>", 250)
        connection.expect("data", "DATA", 354, _DATA)
        connection.put(_stuffed(content), _BLOCK)

    def _finish(self, connection: _Connection) -> Outcome:
        """From the dot on, silence means that the relay may have the mail (RFC 1047)."""
        try:
            connection.put(b".\r\n", _DOT)
            code, text = connection.getreply()
        except OSError as error:
            self._drop()
            return Outcome(Result.UNKNOWN, text=f"no reply after the content: {_words(error)}")
        if code == _LOST:
            self._drop()
        # RFC 5321 §4.1.1.4: the end of the content also ends the transaction, whatever the reply.
        self._clean = True
        return _outcome(_result(code), code, text)

    def _not_taken(self, error: _Refused | OSError) -> Outcome:
        where = f"{self._relay.host}:{self._relay.port}"
        if isinstance(error, OSError):
            return Outcome(Result.UNREACHABLE, text=f"{where} hung up: {_words(error)}")
        refuses_sender = error.phase == "mail" and error.code // 100 == 5 and error.code != _TOO_BIG
        if refuses_sender or error.code == _LOST or error.phase == "rset":
            return _outcome(Result.UNREACHABLE, error.code, error.text)
        return _outcome(_result(error.code), error.code, error.text)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_lost(error: _Refused | OSError) -> bool:
    return isinstance(error, OSError) or error.code == _LOST or error.phase == "rset"


def _result(code: int) -> Result:
    match code // 100:
        case 2:
            return Result.ACCEPTED
        case 5:
            return Result.BOUNCED
        case _:
            return Result.DEFERRED


def _outcome(result: Result, code: int, reply: bytes) -> Outcome:
    text = _text(reply)
    enhanced = _ENHANCED.match(text)
    return Outcome(result, code, enhanced[1] if enhanced else None, text)


def _text(reply: bytes) -> str:
    """One line of what the server said: it ends up on pages and in logs."""
    return re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", reply.decode("utf-8", "replace")).strip()[:500]


def _bytes(reply: bytes | str) -> bytes:
    return reply.encode() if isinstance(reply, str) else reply


def _words(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(_bytes(error.smtp_error))}"
    return error.strerror or str(error) or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _stuffed(content: bytes) -> bytes:
    """RFC 5321 §4.5.2, and the CR LF that must stand before the final dot."""
    if content.startswith(b"."):
        content = b"." + content
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n..")
    return content if content.endswith(b"\r\n") else content + b"\r\n"
