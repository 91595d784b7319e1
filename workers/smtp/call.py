"""One call of the transport: mails come in from an iterator, and each ends exactly once.

In charge of: which mail goes next on which relay, what waits (for another relay, for a provider's limit), what happens
to a mail whose connection broke, and when the call is over. Not in charge of: connections (`pool.py`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from app.transport import Handover, MailObject, Mails, Outcome, Result
from workers.smtp.envelope import unfit
from workers.smtp.gate import Gate, held_back
from workers.smtp.parcel import Parcel
from workers.smtp.replies import Reply
from workers.smtp.route import Directory, Route, is_ahead
from workers.smtp.waker import Waker
from workers.smtp.wording import outcome

_TRIES = 3
# So many wait for another relay at most, and so many mails are looked at for one connection.
_MOST_WAITING, _PULLS = 64, 50
# While none is ready it is looked for again after so many seconds, then twice, four times as many.
_NOT_READY, _LONG_NOT_READY = 0.002, 0.064
_HELD_BACK = 0.05
WITHDRAWN = Outcome(Result.WITHDRAWN)


class Call:
    """The state of one `send_many`."""

    def __init__(
        self,
        mails: Mails,
        routes: Sequence[Route],
        gate: Gate | None,
        waker: Waker,
        done: "asyncio.Future[None]",
        *,
        is_single: bool,
    ) -> None:
        self._mails, self._routes, self._gate = mails, routes, gate
        self.waker, self.done, self.is_single = waker, done, is_single
        self.waiting: deque[Parcel] = deque()
        self.is_exhausted = False
        self.stop_word: Outcome | None = None
        self.crash: BaseException | None = None
        self._out, self._not_ready = 0, _NOT_READY
        self._directory = Directory(routes)
        # Where the providers' limits are ours to keep, and not the relay's.
        self._shaped = frozenset(route.index for route in routes if route.relay.provider_limits)

    @property
    def takes_more(self) -> bool:
        """Whether another mail may come."""
        return not self.is_exhausted and self.stop_word is None and self.crash is None

    def next_for(self, route: Route) -> Parcel | None:
        """The mail that this relay should take now, if there is one."""
        if self.crash or self.stop_word:
            return None
        now = time.monotonic()
        wait = route.hold(now)
        if wait > 0.0 or is_ahead(route, self._routes):
            self.waker.wake(wait or _HELD_BACK)
            return None
        parcel = self._waiting_for(route) or self._pull(route) or self._suspect_for(route)
        if parcel is not None:
            route.gave()
            if route.relay.weight:
                self.waker.wake(0)  # another may have its turn now
        return parcel

    def fetch(self) -> bool:
        """Have a mail waiting, so that it is known which relay is needed; False if there is none now."""
        if not self.waiting and self.takes_more:
            parcel = self._pull(None)
            if parcel is not None:
                self.waiting.append(parcel)
        return bool(self.waiting)

    def begin(self, parcel: Parcel) -> bool:
        """See Owner."""
        if not self.goes_on(parcel):
            return False
        if not parcel.is_begun:
            parcel.is_begun = True
            try:
                parcel.handover.begin(parcel.mail)
            except BaseException as error:  # noqa: BLE001 - raised again by the transport
                self.fail(error)
                return False
        return True

    def end(self, parcel: Parcel, outcome: Outcome) -> None:
        """See Owner."""
        if self._gate is not None:
            self._gate.leave(parcel, outcome)
        self._out -= 1
        if self.crash:
            return
        try:
            parcel.handover.end(parcel.mail, outcome)
        except BaseException as error:  # noqa: BLE001 - raised again by the transport
            self.fail(error)
            return
        if outcome.result is Result.UNREACHABLE:
            self.stop(outcome)
        self._see_whether_done()

    def give_back(self, parcel: Parcel, route: Route, reply: Reply | None, why: str, *, counts: bool) -> None:
        """A mail that the server does not have: to the next connection, but not for ever."""
        if not self.goes_on(parcel):
            self.end(parcel, self.stop_word or WITHDRAWN)
            return
        if parcel.tries == 0:
            parcel.replies_then = route.replies
        parcel.tries += counts
        parcel.replies_now = route.replies
        if parcel.tries < _TRIES:
            self.waiting.appendleft(parcel)
            self.waker.wake(0)
            return
        # If others got through in the meantime it is this mail that the relay cannot bear.
        result = Result.DEFERRED if route.replies > parcel.replies_then else Result.UNREACHABLE
        self.end(parcel, outcome(result, reply) if reply else Outcome(result, text=f"{route.where} hung up: {why}"))

    def look_at_routes(self) -> None:
        """End what no relay can take: as UNREACHABLE, and with it the call."""
        now = time.monotonic()
        down = {route.index for route in self._routes if route.is_down(now)}
        if not down:
            return
        stranded = next((parcel for parcel in self.waiting if down.issuperset(parcel.routes)), None)
        if stranded is not None:
            self.waiting.remove(stranded)
            self.end(stranded, self._routes[stranded.routes[0]].breaker.trouble)

    def hold_back(self) -> None:
        """End what waits for a provider that has closed its door."""
        for parcel in self._gate.impatient() if self._gate is not None else ():
            self.end(parcel, held_back(parcel.provider or ""))

    def stop(self, word: Outcome) -> None:
        """Take no more, and begin nothing more."""
        if self.stop_word is not None:
            return
        self.stop_word = word
        while self.waiting:
            self.end(self.waiting.popleft(), word)
        if self._gate is not None:
            for parcel in self._gate.clear():
                self.end(parcel, word)
        self.waker.wake(0)
        self._see_whether_done()

    def goes_on(self, parcel: Parcel) -> bool:
        """Whether this one may still be begun."""
        if self.stop_word is not None or self.crash is not None:
            return False
        try:
            return parcel.handover.may_go_on()
        except BaseException as error:  # noqa: BLE001 - raised again by the transport
            self.fail(error)
            return False

    def recall(self) -> None:
        """End what waits here and is not wanted any more."""
        for parcel in [each for each in self.waiting if not self.goes_on(each)]:
            self.waiting.remove(parcel)
            self.end(parcel, WITHDRAWN)
        for parcel in self._gate.give_out(lambda each: not self.goes_on(each)) if self._gate is not None else ():
            self.end(parcel, WITHDRAWN)

    def fail(self, error: BaseException) -> None:
        """End the call by this error, which the transport raises."""
        self.crash = self.crash or error
        self._finish()

    def abandon(self) -> None:
        """Tell the handover nothing more."""
        self.crash = self.crash or asyncio.CancelledError()
        if self._gate is not None:
            self._gate.clear()

    def _waiting_for(self, route: Route) -> Parcel | None:
        for at, parcel in enumerate(self.waiting):
            # One that broke a connection stands back until another mail has got through, or it would break the relay.
            is_suspect = parcel.tries > 0 and route.replies == parcel.replies_now
            if route.index in parcel.routes and not is_suspect:
                del self.waiting[at]
                return parcel
        return self._gate.due(route.index, self.waker) if self._gate is not None else None

    def _suspect_for(self, route: Route) -> Parcel | None:
        """A mail that broke a connection, as there is no other."""
        found = next((parcel for parcel in self.waiting if route.index in parcel.routes), None)
        if found is not None:
            self.waiting.remove(found)
        return found

    def _pull(self, route: Route | None) -> Parcel | None:
        """The next mail of the iterator that may go, and by this relay; others are put aside."""
        for _ in range(_PULLS):
            if not self.takes_more or len(self.waiting) >= _MOST_WAITING:
                return None
            found = self._next()
            if found is None:
                return None
            parcel = self._admit(*found)
            if parcel is None:
                continue
            if route is None or route.index in parcel.routes:
                return parcel
            self.waiting.append(parcel)
            self.waker.wake(0)
        self.waker.wake(_HELD_BACK)
        return None

    def _next(self) -> tuple[MailObject, Handover] | None:
        try:
            found = next(self._mails)
        except StopIteration:
            self.is_exhausted = True
            self._see_whether_done()
            return None
        except BaseException as error:  # noqa: BLE001 - raised again by the transport
            self.fail(error)
            return None
        if found is None:
            self.waker.wake(self._not_ready)
            self._not_ready = min(2 * self._not_ready, _LONG_NOT_READY)
        else:
            self._not_ready = _NOT_READY
        return found

    def _admit(self, mail: MailObject, handover: Handover) -> Parcel | None:
        """The parcel of a mail that may go now; None if it has ended, or waits for its provider's limit."""
        self._out += 1
        parcel = Parcel(mail, handover, self._directory.of(mail.envelope_sender))
        verdict = unfit(mail)
        if verdict is None and not parcel.routes:
            text = f"no relay of SMTP_URL serves the sender domain {mail.envelope_sender.rpartition('@')[2]}"
            verdict = Outcome(Result.UNREACHABLE, text=text)
        if verdict is None and self._gate is not None and not self._shaped.isdisjoint(parcel.routes):
            verdict = self._gate.enter(parcel, self.waker)
        if verdict is not None:
            self.end(parcel, verdict)
            return None
        return None if self._gate is not None and self._gate.keeps(parcel) else parcel

    def _see_whether_done(self) -> None:
        if self._out == 0 and (self.is_exhausted or self.stop_word is not None):
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
