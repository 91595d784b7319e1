"""A mail on its way through the transport, with what is known of its journey so far."""

from dataclasses import dataclass

from app.transport import Handover, MailObject


@dataclass(slots=True, eq=False)
class Parcel:
    """`routes` may take it; `tries` counts connections that broke under it, `replies_then` and `replies_now` how
    much its relay had answered at the first and at the last of them; `place` is its place at its `provider`.
    """

    mail: MailObject
    handover: Handover
    routes: tuple[int, ...]
    tries: int = 0
    replies_then: int = 0
    replies_now: int = 0
    is_begun: bool = False
    provider: str | None = None
    place: str | None = None
