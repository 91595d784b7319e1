"""Opening a session with a relay: connect, greeting, EHLO, STARTTLS, login. Nothing of a mail is said before all of it.

Nothing is ever sent in the clear where TLS was asked for (Q9), and user and password only over TLS or to this machine
(S20). Not in charge of: mails (`connection.py`), and when to open how many (`route.py`).
"""

import asyncio
import base64
import ipaddress
import ssl
from dataclasses import dataclass

from app.relay import Relay
from workers.smtp.connection import Connection
from workers.smtp.envelope import Offers
from workers.smtp.owner import Owner
from workers.smtp.replies import Garbled, Reply
from workers.smtp.times import Times
from workers.smtp.turn import Turn
from workers.smtp.wording import LOST, reason, said


class Unusable(Exception):
    """No session; the message says why, in plain words. `reply` is the server's, if it said anything.

    `for_now`: another try may well succeed.
    """

    def __init__(self, why: str, reply: Reply | None = None, *, for_now: bool = False) -> None:
        super().__init__(why)
        self.reply, self.for_now = reply, for_now


@dataclass(frozen=True, slots=True)
class Opener:
    """What all sessions of a transport have in common, as long as its loop."""

    owner: Owner
    own_name: str
    context: ssl.SSLContext
    times: Times
    loop: asyncio.AbstractEventLoop
    turn: Turn

    async def open(self, relay: Relay, route: object) -> Connection:
        """A session that is ready for mails. Raises Unusable."""
        where = f"{relay.host}:{relay.port}"
        if relay.username and relay.security == "smtp" and not is_loopback(relay.host):
            raise Unusable(
                f"{where}: user and password are only sent over TLS: smtp+starttls:// or smtps:// in SMTP_URL"
            )
        connection = await self._connect(relay, route, where)
        try:
            await self._introduce(connection, relay, where)
            await self._log_in(connection, relay, where)
        except BaseException:
            connection.break_off("not opened")
            raise
        return connection

    async def _connect(self, relay: Relay, route: object, where: str) -> Connection:
        connection = Connection(self.owner, route, self.times, self.loop, self.turn)
        tls = {"ssl": self.context, "server_hostname": relay.host} if relay.security == "smtps" else {}
        try:
            async with asyncio.timeout(self.times.connect):
                await self.loop.create_connection(lambda: connection, relay.host, relay.port, **tls)  # type: ignore[call-overload]
        except ssl.SSLCertVerificationError as error:
            raise Unusable(f"{where}: {reason(error)}") from error
        except OSError as error:
            raise Unusable(f"{where} cannot be reached: {reason(error)}", for_now=True) from error
        return connection

    async def _introduce(self, connection: Connection, relay: Relay, where: str) -> None:
        try:
            _expect(await connection.greeting(), where, "greets with")
            await self._ehlo(connection, where)
            if relay.security == "smtp+starttls":
                await self._start_tls(connection, relay, where)
        except ssl.SSLCertVerificationError as error:
            raise Unusable(f"{where}: {reason(error)}") from error
        except OSError as error:
            raise Unusable(f"{where} ended the greeting: {reason(error)}", for_now=True) from error
        except Garbled as error:
            raise Unusable(f"{where} ended the greeting: {error}") from error

    async def _ehlo(self, connection: Connection, where: str) -> None:
        reply = await connection.command(f"EHLO {self.own_name}")
        if reply[0] // 100 == 5 and reply[0] != 554:
            # RFC 5321 §3.2: a server of the old kind.
            reply = await connection.command(f"HELO {self.own_name}")
            _expect(reply, where, "answers HELO with")
            connection.offers = Offers()
            return
        _expect(reply, where, "answers EHLO with")
        connection.offers = Offers.read(reply[1])

    async def _start_tls(self, connection: Connection, relay: Relay, where: str) -> None:
        # RFC 3207 §4.1: whoever can strip the offer can read the mail, so no offer means no mail.
        if not connection.offers.starttls:
            raise Unusable(f"{where} offers no STARTTLS, and SMTP_URL asks for it")
        _expect(await connection.command("STARTTLS"), where, "answers STARTTLS with")
        if connection.is_closed:
            # What came behind the reply may be from somebody in between (CVE-2011-0411).
            raise Unusable(f"{where} says more than one reply to STARTTLS")
        async with asyncio.timeout(self.times.connect):
            secured = await self.loop.start_tls(
                connection.transport, connection, self.context, server_hostname=relay.host
            )
        if secured is None:
            raise ConnectionResetError("hung up")
        connection.secure(secured)
        await self._ehlo(connection, where)

    async def _log_in(self, connection: Connection, relay: Relay, where: str) -> None:
        if not relay.username:
            return
        user, password = relay.username, relay.password or ""
        try:
            if "PLAIN" in connection.offers.auth:
                reply = await connection.command("AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
            elif "LOGIN" in connection.offers.auth:
                reply = await connection.command("AUTH LOGIN")
                for word in (user, password):
                    if reply[0] == 334:
                        reply = await connection.command(_base64(word))
            else:
                raise Unusable(f"{where} offers no login by PLAIN or LOGIN, and SMTP_URL has user and password")
        except OSError as error:
            raise Unusable(f"{where} takes no login: {reason(error)}", for_now=True) from error
        if reply[0] // 100 != 2:
            # RFC 4954 §6: 454 is a trouble of the server, not a wrong password.
            text = f"{where} refuses user and password of SMTP_URL: {said(reply)}"
            raise Unusable(text, reply, for_now=reply[0] // 100 == 4)


def is_loopback(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _expect(reply: Reply, where: str, what: str) -> None:
    if reply[0] // 100 != 2:
        for_now = reply[0] // 100 == 4 or reply[0] == LOST
        raise Unusable(f"{where} {what} {said(reply)}", reply, for_now=for_now)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
