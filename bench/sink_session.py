"""The commands of one SMTP connection to the sink: RFC 5321 with PIPELINING, STARTTLS and AUTH PLAIN."""

import base64
import re
from typing import TYPE_CHECKING, ClassVar

from bench.sink_dialogue import Dialogue

if TYPE_CHECKING:
    from bench.sink import Sink

_PATH = re.compile(rb"(?:FROM|TO):\s*<([^<>]*)>", re.IGNORECASE)


class Session(Dialogue):
    """A client and its commands."""

    def __init__(self, sink: "Sink") -> None:
        super().__init__(sink)
        self._logs_in = False

    def command(self, line: bytes) -> None:
        """Obey a line outside content."""
        verb, _, rest = line.partition(b" ")
        command = self.commands.get(verb.upper())
        if self._logs_in:
            self._end_login(line)
        elif command is None:
            self.reply(b"502 5.5.1 not known here")
        else:
            command(self, rest)

    def _on_ehlo(self, _rest: bytes) -> None:
        self.sender, self.recipients = False, []
        lines = ["sink", *self.sink.offers(self)]
        text = "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])
        self.say("ehlo", text.encode())

    def _on_mail(self, rest: bytes) -> None:
        if not _PATH.match(rest):
            self.reply(b"501 5.5.4 expected MAIL FROM:<address>")
        else:
            self.sender = self.say("mail", b"250 2.1.0 ok")

    def _on_rcpt(self, rest: bytes) -> None:
        path = _PATH.match(rest)
        recipient = path[1].decode("utf-8", "replace") if path else ""
        if not recipient:
            self.reply(b"501 5.5.4 expected RCPT TO:<address>")
        elif not self.sender:
            self.reply(b"503 5.5.1 MAIL comes first")
        elif self.sink.is_grey(recipient):
            self.go_wrong("451 4.7.1 greylisted, try again later")
        elif self.say("rcpt", b"250 2.1.5 ok", recipient):
            self.recipients.append(recipient)

    def _on_data(self, _rest: bytes) -> None:
        if not self.recipients:
            self.reply(b"503 5.5.1 RCPT comes first")
        else:
            self.is_in_content = self.say("data", b"354 end with a line of one dot", self.recipients[0])

    def _on_rset(self, _rest: bytes) -> None:
        self.sender, self.recipients = False, []
        self.say("rset", b"250 2.0.0 ok")

    def _on_noop(self, _rest: bytes) -> None:
        self.reply(b"250 2.0.0 ok")

    def _on_quit(self, _rest: bytes) -> None:
        self.say("quit", b"221 2.0.0 bye")
        self.closes = True

    def _on_auth(self, rest: bytes) -> None:
        mechanism, _, given = rest.partition(b" ")
        if mechanism.upper() != b"PLAIN":
            self.reply(b"504 5.5.4 PLAIN is offered")
        elif given:
            self._end_login(given)
        else:
            self._logs_in = True
            self.reply(b"334 ")

    def _end_login(self, given: bytes) -> None:
        self._logs_in = False
        user, _, password = self.sink.settings.login.partition(":")
        is_right = given == base64.b64encode(f"\0{user}\0{password}".encode())
        self.say("auth", b"235 2.7.0 ok" if is_right else b"535 5.7.8 wrong user or password")

    def _on_starttls(self, _rest: bytes) -> None:
        if self.sink.certificate is None or self.is_secure:
            self.reply(b"502 5.5.1 not known here")
            return
        if not self.say("starttls", b"220 go ahead"):
            return
        self.resets_tls = self.sink.settings.resets_tls
        if not self.resets_tls:
            self.flush()
            self.is_deaf = True
            self._upgrading = self.loop.create_task(self._upgrade())

    async def _upgrade(self) -> None:
        assert self.sink.certificate
        try:
            new = await self.loop.start_tls(self.transport, self, self.sink.certificate, server_side=True)
        except OSError:
            self.transport.abort()
            return
        assert new
        self.transport, self.is_secure, self.is_deaf = new, True, False
        self.sender, self.recipients = False, []

    # A table instead of getattr: it is read three times a mail.
    commands: ClassVar = {
        b"EHLO": _on_ehlo,
        b"HELO": _on_ehlo,
        b"MAIL": _on_mail,
        b"RCPT": _on_rcpt,
        b"DATA": _on_data,
        b"RSET": _on_rset,
        b"NOOP": _on_noop,
        b"QUIT": _on_quit,
        b"AUTH": _on_auth,
        b"STARTTLS": _on_starttls,
    }
