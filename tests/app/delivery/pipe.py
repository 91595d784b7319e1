"""A transport without sockets, for tests of what the ledger makes of whatever a relay may say."""

import time
from collections.abc import Callable

from app.transport import Handover, MailObject, Mails, Outcome, Result

ACCEPTED = Outcome(Result.ACCEPTED, 250, "2.0.0", "kept")


class Pipe:
    """Answers each mail with what `says` gives for it, after holding up to `width` of them at once.

    `taken` are the recipients whose mail was accepted, in order; what `says` gives for UNKNOWN was accepted too.
    """

    def __init__(self, says: Callable[[MailObject], Outcome] | None = None, width: int = 4) -> None:
        self.says = says or (lambda _mail: ACCEPTED)
        self.width = width
        self.taken: list[str] = []
        self._held: list[tuple[MailObject, Handover]] = []

    def send_many(self, mails: Mails) -> None:
        """As many at once as it is wide, each answered when there are enough or none is ready."""
        for each in mails:
            if each is None:
                if not self._answer():
                    break
                # The threads that make them ready need the time.
                time.sleep(0.001)
                continue
            mail, handover = each
            if not handover.may_go_on():
                handover.end(mail, Outcome(Result.WITHDRAWN))
                continue
            handover.begin(mail)
            self._held.append(each)
            if len(self._held) >= self.width and not self._answer():
                break
        self._answer()

    def die(self) -> None:
        """Forget what a sender that was killed had on the wire."""
        self._held = []

    def send(self, mail: MailObject) -> Outcome:
        """Not used by campaigns."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self) -> bool:
        held, self._held = self._held, []
        is_reached = True
        for mail, handover in held:
            outcome = self.says(mail)
            if outcome.result in {Result.ACCEPTED, Result.UNKNOWN}:
                self.taken.append(mail.recipient)
            is_reached &= outcome.result is not Result.UNREACHABLE
            handover.end(mail, outcome)
        return is_reached
