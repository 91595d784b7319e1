"""The mails on one session with a relay: which command is out, which reply it gets, what becomes of the mail.

Where the server offers PIPELINING, envelope and DATA go out in one write, and the envelope of the next mail behind the
final dot of the one before (RFC 2920 §3.1), so a mail costs one round trip; elsewhere command waits for reply. A mail
is begun when 354 has come: until then it can go to another connection, and between its dot and the reply it is in
doubt (RFC 1047). Not in charge of: bytes (`wire.py`), the opening (`session.py`), which mail is next (`call.py`).
"""

import asyncio
import time
from collections import deque

from app.transport import Outcome, Result
from workers.smtp.envelope import Offers, commands, stuffed, unfit_for
from workers.smtp.owner import STOPPED, Owner
from workers.smtp.parcel import Parcel
from workers.smtp.replies import Reply
from workers.smtp.times import Times
from workers.smtp.turn import Turn
from workers.smtp.wire import Wire
from workers.smtp.wording import LOST, outcome_of, said

_RSET, _MAIL, _RCPT, _DATA, _DOT, _EMPTY = "rset", "mail", "rcpt", "data", "dot", "empty"
_ENVELOPE = (_MAIL, _RCPT, _DATA)
_END = b".\r\n"
# A mail that stands behind one whose reply takes longer than so many seconds goes to another connection.
_STUCK = 5.0


class Connection(Wire):
    """Speaks SMTP with one relay; `route` is whatever its owner wants to know it by."""

    def __init__(self, owner: Owner, route: object, times: Times, loop: asyncio.AbstractEventLoop, turn: Turn) -> None:
        super().__init__(times, loop, turn)
        self.route, self.offers = route, Offers()
        self.served, self.since = 0, time.monotonic()
        # The mail whose envelope is out, and whose content is not.
        self.offered: Parcel | None = None
        # Kept from an earlier call: whether the relay still knows us is found out by the next command.
        self.is_kept = False
        self._owner = owner
        self._expected: deque[str] = deque()
        self._commands: list[bytes] = []
        self._under_way: Parcel | None = None
        self._refusal: tuple[str, Reply] | None = None
        self._is_clean = True
        # Since when the mail that is offered stands behind one whose reply is still owed.
        self._behind_since: float | None = None
        # Whether the server has begun to deal with it.
        self._is_heard = False
        self._last: tuple[Reply, Outcome] | None = None

    # Mails.

    def offer(self, parcel: Parcel) -> bool:
        """Hand over this one next; False if it has ended at once, because this server cannot take it."""
        if not self._accept(parcel):
            return False
        lines = self._envelope(parcel)
        if not self._is_clean:
            self._is_clean = True
            lines = [b"RSET\r\n", *lines]
            self._expected.appendleft(_RSET)
        if self.offers.pipelining:
            self._write(*lines)
        else:
            self._commands = lines[1:]
            self._write(lines[0])
        self.deadline = self._loop.time() + self._times.command
        return True

    def call_back(self) -> None:
        """Give back the mail that is offered and not begun: the session ends, or goes on to the last reply."""
        parcel, self.offered = self.offered, None
        if parcel is None:
            return
        if self._under_way is None:
            self.break_off(STOPPED)
        self._owner.give_back(parcel, self, None, STOPPED, counts=False)

    def is_stuck(self, now: float) -> bool:
        """Whether the mail that is offered has stood behind another one for too long."""
        return self._behind_since is not None and now - self._behind_since > _STUCK

    @property
    def is_idle(self) -> bool:
        """Whether no mail is offered or under way."""
        return self.offered is None and self._under_way is None

    # Replies.

    def _read(self, reply: Reply) -> None:
        if self._expected:
            self._on_reply(self._expected.popleft(), reply)
        else:
            self._read_answer(reply)

    def _on_reply(self, phase: str, reply: Reply) -> None:
        kind = reply[0] // 100
        if phase == _EMPTY:
            self._next()
        elif kind < 4 and kind != (3 if phase == _DATA else 2):
            # Replies and commands no longer belong together: what comes next would be credited to the wrong mail.
            self.break_off(f"answered {phase.upper()} with {said(reply)}")
        elif phase == _DOT:
            self._on_dot(reply)
        elif reply[0] == LOST or (phase == _RSET and kind != 2):
            self.break_off(said(reply), reply)
        else:
            self._on_envelope(phase, reply, is_good=kind < 4)

    def _on_dot(self, reply: Reply) -> None:
        parcel, self._under_way = self._under_way, None
        assert parcel
        self._end(parcel, self._outcome(reply))
        if self.is_closed:
            return
        if reply[0] == LOST:
            self.break_off(said(reply), reply)
            return
        self._behind_since = None
        if self.offered is None:
            if self._expected:  # called back: its envelope is out, its mail is not
                self.break_off(STOPPED)
            else:
                self._next()
        else:
            self.deadline = self._loop.time() + self._times.command

    def _on_envelope(self, phase: str, reply: Reply, *, is_good: bool) -> None:
        if not is_good and self._refusal is None:
            self._refusal = (phase, reply)
        self._is_heard = self._is_heard or is_good
        if phase == _DATA:
            self._on_data(is_good)
        elif not self.offers.pipelining:
            if self._refusal:
                self._expected.clear()
                self._refused()
            else:
                self._send_command()

    def _on_data(self, is_good: bool) -> None:
        if self._refusal is None:
            self._send_content()
        elif is_good:
            # RFC 2920 §3.1: it waits for content though it has no recipient; there is none.
            self._expected.append(_EMPTY)
            parcel, self.offered = self.offered, None
            self._refused_parcel(parcel)
            self._write(_END)
        else:
            self._refused()

    def _refused(self) -> None:
        parcel, self.offered = self.offered, None
        self._refused_parcel(parcel)
        if not self.is_closed:
            self._next()

    def _refused_parcel(self, parcel: Parcel | None) -> None:
        assert parcel
        assert self._refusal
        (phase, reply), self._refusal = self._refusal, None
        # RFC 5321 §4.1.1.5: what the server still knows of this transaction is forgotten before the next.
        self._is_clean = False
        self._end(parcel, outcome_of(reply, phase))

    def _outcome(self, reply: Reply) -> Outcome:
        if self._last is None or self._last[0] != reply:
            self._last = (reply, outcome_of(reply))
        return self._last[1]

    # Sending.

    def _next(self) -> None:
        while not self.is_closed:
            parcel = self._owner.take(self)
            if parcel is None:
                self.deadline = float("inf")
                self._owner.rest(self)
                return
            if self.offer(parcel):
                return

    def _accept(self, parcel: Parcel) -> bool:
        verdict = unfit_for(parcel.mail, self.offers)
        if verdict is not None:
            self._owner.end(parcel, verdict, self)
            return False
        return True

    def _envelope(self, parcel: Parcel) -> list[bytes]:
        self.offered, self._is_heard = parcel, False
        self._expected.extend(_ENVELOPE)
        return list(commands(parcel.mail, self.offers))

    def _send_command(self) -> None:
        self.deadline = self._loop.time() + (self._times.data if len(self._commands) == 1 else self._times.command)
        self._write(self._commands.pop(0))

    def _send_content(self) -> None:
        parcel = self.offered
        if parcel is None or not self._owner.begin(parcel):
            self.call_back()
            self.break_off(STOPPED)
            return
        self.offered, self._under_way = None, parcel
        content = parcel.mail.content
        pieces = [content if parcel.mail.is_ready else stuffed(content), _END]
        self._expected.append(_DOT)
        following = self._owner.take(self) if self.offers.pipelining else None
        while following is not None and not self._accept(following):
            following = self._owner.take(self)
        if self.is_closed:
            return
        now = self._loop.time()
        if following is not None:
            pieces += self._envelope(following)
            self._behind_since = now
        self._write(*pieces)
        if not self._is_choking:
            self.deadline = now + self._times.dot

    # Endings.

    def _end(self, parcel: Parcel, outcome: Outcome) -> None:
        self.served += 1
        self.is_kept = False
        self._owner.end(parcel, outcome, self)

    def _settle(self, why: str, reply: Reply | None) -> None:
        """The session is over: say of each mail what is known of it."""
        under_way, self._under_way = self._under_way, None
        offered, self.offered = self.offered, None
        if under_way is not None:
            if self._held or (self._is_choking and not self._is_secure):
                self._owner.give_back(under_way, self, reply, why, counts=True)
            else:
                self._owner.end(under_way, Outcome(Result.UNKNOWN, text=f"no reply after the content: {why}"), self)
        if offered is not None:
            # Many a server takes so many mails on a connection and then hangs up: that is not the next one's fault.
            is_first = self._is_heard or not self.served
            self._owner.give_back(offered, self, reply, why, counts=is_first and self._behind_since is None)
        self._owner.lost(self, reply, why)

    def _came(self) -> None:
        self._owner.came(self)

    def _left(self) -> None:
        self._owner.lost(self, None, "")

    def _gone(self) -> None:
        self._owner.gone(self)
