"""Handing mails to the next hop: the words for it (MailObject, Outcome) and the protocol that workers implement.

Not in charge of: what is in a mail (mail), sockets (workers/smtp/), and what an Outcome means (delivery).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Result(StrEnum):
    """What became of one hand-over."""

    ACCEPTED = "accepted"  # 2xx after the final dot: the next hop has it
    DEFERRED = "deferred"  # 4xx: try again later
    BOUNCED = "bounced"  # 5xx: never offer this message again (R5)
    UNREACHABLE = "unreachable"  # no session, or it broke before the message was handed over
    UNKNOWN = "unknown"  # it broke between the final dot and the reply: may have arrived (RFC 1047)
    HELD_BACK = "held_back"  # our own limit for a provider: not begun, try again soon
    WITHDRAWN = "withdrawn"  # whoever sends it wants it no more, and it was not handed over


@dataclass(frozen=True, slots=True)
class Outcome:
    """The server's last word on one message: reply code and text, RFC 3463 code where it gave one."""

    result: Result
    code: int | None = None
    enhanced: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class MailObject:
    """A finished mail, envelope and content (RFC 5321 §2.3.1). `key` is the sender's own number for it.

    `is_ready` says that no line of the content begins with a dot and that the last one ends: nobody has to look.
    """

    key: int
    envelope_sender: str
    recipient: str
    content: bytes
    is_ready: bool = False


class Handover(Protocol):
    """What whoever sends a mail wants to know, and may say, while it goes out."""

    def begin(self, mail: MailObject) -> None:
        """Called before the first byte that could make the next hop take it: from here on it may be out."""

    def end(self, mail: MailObject, outcome: Outcome) -> None:
        """Called with the final word on a mail, once for each one that was taken from the iterator.

        UNREACHABLE, HELD_BACK and WITHDRAWN mean that it was not handed over, whether begun or not.
        """

    def may_go_on(self) -> bool:
        """Asked before each mail is begun; one that is not wanted any more ends as WITHDRAWN."""


# None says that the next one is not ready yet.
Mails = Iterator[tuple[MailObject, Handover] | None]


class Transport(Protocol):
    """Hands finished mails to the next hop."""

    def send(self, mail: MailObject) -> Outcome:
        """Hand over one mail and wait for the final word."""

    def send_many(self, mails: Mails) -> None:
        """Hand over all of them, over as many connections as the next hop takes; returns when all have their end.

        Mails are taken lazily, one when a connection is free for it. Stops taking mails after the first UNREACHABLE.
        """

    def close(self) -> None:
        """Take leave."""
