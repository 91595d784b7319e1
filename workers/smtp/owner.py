"""What a connection asks of whoever owns it.

Not in charge of: doing it (`pool.py`).
"""

from typing import TYPE_CHECKING, Protocol

from app.transport import Outcome
from workers.smtp.parcel import Parcel
from workers.smtp.replies import Reply

# Why a session is over, when it is we who end it.
STOPPED = "stopped"

if TYPE_CHECKING:
    from workers.smtp.connection import Connection


class Owner(Protocol):
    """Who gives a connection its mails and wants to know how they end."""

    def take(self, connection: "Connection") -> Parcel | None:
        """The next mail for this connection, if there is one now."""

    def begin(self, parcel: Parcel) -> bool:
        """Its content goes out next, unless False."""

    def end(self, parcel: Parcel, outcome: Outcome, connection: "Connection") -> None:
        """The final word on a mail."""

    def give_back(
        self, parcel: Parcel, connection: "Connection", reply: Reply | None, why: str, *, counts: bool
    ) -> None:
        """A mail that this connection could not hand over, and that the server does not have.

        `counts`: it may be this mail that broke the connection; not if it only stood behind another one.
        """

    def rest(self, connection: "Connection") -> None:
        """The connection waits for a mail."""

    def lost(self, connection: "Connection", reply: Reply | None, why: str) -> None:
        """The connection is over; all its mails have been ended or given back."""

    def came(self, connection: "Connection") -> None:
        """There is a socket."""

    def gone(self, connection: "Connection") -> None:
        """There is no socket any more."""
