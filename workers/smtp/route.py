"""One relay as the transport sees it: its connections, how many it takes, its speed, and whether it works.

Not in charge of: opening connections (`pool.py`).
"""

from collections.abc import Sequence
from itertools import count
from math import ceil

from app.relay import Relay
from workers.smtp.breaker import Breaker
from workers.smtp.connection import Connection
from workers.smtp.envelope import on_wire
from workers.smtp.limits import Allowance, Limits

# Postfix takes 50 from one host; two workers share that, and each has some left to be opened anew.
CONNECTIONS = 24
_GROW_SECONDS = 60.0
_IDLE_SECONDS = 30.0


class Route:
    """A relay of SMTP_URL, `index` its place there."""

    def __init__(self, index: int, relay: Relay, limits: Limits) -> None:
        self.index, self.relay, self.limits = index, relay, limits
        self.where = f"{relay.host}:{relay.port}"
        self.name = f"relay:{self.where}:{relay.username or ''}"
        self.most = relay.connections or CONNECTIONS
        self.limit = self.most
        self.breaker = Breaker()
        self.connections: set[Connection] = set()
        # Those that wait for a mail, and since when; the last to rest is the first to work.
        self.resting: dict[Connection, float] = {}
        self.places: dict[Connection, str] = {}
        self.opening = 0
        self._numbers = count()
        self._shared, self._allowance = f"{self.name}:connections", Allowance(at_once=relay.connections)
        self.replies = 0
        self.given = 0
        # So many connections are more than our share, and leave as they become free.
        self.surplus = 0
        self._grows_at = 0.0
        self._speed = Allowance(per_second=relay.per_second)
        self._stock, self._stock_until, self._held_until = 0, 0.0, 0.0

    @property
    def room(self) -> int:
        """How many connections more it takes from this process."""
        limit = 1 if self.breaker.is_on_trial or self.breaker.failures else self.limit
        return max(0, limit - len(self.connections) - self.opening)

    def is_down(self, now: float) -> bool:
        """Whether it takes no mail at present."""
        return self.breaker.is_open(now) and not self.connections

    def serves(self, domain: str) -> bool:
        """Whether SMTP_URL names this sender domain for it."""
        return domain in self.relay.domains

    def hold(self, now: float) -> float:
        """Seconds to wait for the next mail, by `per_second`; 0.0 if it may go now."""
        if self._speed.per_second is None or (self._stock > 0 and now < self._stock_until):
            return 0.0
        # A few at a time, so that Redis is asked twenty times a second at most.
        want = max(1, int(self._speed.per_second / 20))
        if now < self._held_until:
            return self._held_until - now
        wait = self.limits.take(self.name, self._speed, want=want)
        if wait == 0.0:
            self._stock, self._stock_until = want, now + 1
        self._held_until = now + wait
        return wait

    def gave(self) -> None:
        """A mail was given to it."""
        self._stock -= 1
        self.given += 1

    def shrink(self, limit: int, now: float) -> None:
        """It takes fewer connections than we thought; after a minute one more is tried."""
        self.limit = max(1, min(limit, self.limit))
        self._grows_at = now + _GROW_SECONDS

    def may_grow(self, now: float) -> None:
        """One more connection, when it has gone well for a minute."""
        if self.limit < self.most and now >= self._grows_at:
            self.limit, self._grows_at = self.limit + 1, now + _GROW_SECONDS

    def rest(self, connection: Connection, now: float) -> None:
        """It waits for a mail."""
        self.resting[connection] = now

    def wake(self) -> Connection:
        """One that waits, for a mail that is there."""
        return self.resting.popitem()[0]

    def expire(self, now: float) -> None:
        """Take leave on connections that nobody has needed for a while: relays do not wait for ever either."""
        for connection in [each for each, since in self.resting.items() if now - since > _IDLE_SECONDS]:
            connection.leave()

    # Places: what the operator has set holds for all workers together.

    def take_place(self, process: str) -> str | None:
        """The right to one more connection; None while the other workers have all of our share."""
        place = f"{process}:{next(self._numbers)}"
        if not self.relay.connections:
            return place
        own = len(self.connections)
        return place if self.limits.take(self._shared, self._allowance, place, own=own) == 0.0 else None

    def give_place(self, place: str) -> None:
        """Leave it to others."""
        if self.relay.connections:
            self.limits.give(self._shared, place, self._allowance, succeeded=False)

    def forget(self, connection: Connection) -> None:
        """The connection is over."""
        self.connections.discard(connection)
        self.resting.pop(connection, None)
        place = self.places.pop(connection, None)
        if place is not None:
            self.give_place(place)

    def renew(self) -> None:
        """Say what is in use, and give up what is more than our share."""
        if not self.relay.connections or not self.places:
            return
        share = ceil(self.relay.connections / self.limits.renew(self._shared, list(self.places.values())))
        while self.resting and len(self.connections) > share:
            next(iter(self.resting)).leave()
        self.surplus = max(0, len(self.connections) - share)

    def take_leave(self) -> None:
        """Have no share any more."""
        if self.relay.connections:
            self.limits.renew(self._shared, ())


def is_ahead(route: Route, routes: Sequence[Route]) -> bool:
    """Whether others must first catch up to their share; only relays with a weight have one."""
    if not route.relay.weight:
        return False
    same = [each for each in routes if each.relay.weight and each.relay.domains == route.relay.domains]
    shares = [each.given / (each.relay.weight or 1) for each in same if each.connections]
    return bool(shares) and route.given / route.relay.weight > min(shares) + 1


def give_a_chance(routes: Sequence[Route], now: float) -> None:
    """Where no relay is left, one that rests is tried all the same: whoever sends has waited already."""
    for route in routes:
        same = [each for each in routes if each.relay.domains == route.relay.domains]
        if all(each.is_down(now) for each in same):
            min(same, key=lambda each: each.breaker.opens_again).breaker.probe()


class Directory:
    """Which relays may take the mail of a sender domain: those that name it, or those that name none."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._known: dict[str, tuple[int, ...]] = {}

    def of(self, sender: str) -> tuple[int, ...]:
        """The relays for this envelope sender, by index."""
        domain = sender.rpartition("@")[2]
        known = self._known.get(domain)
        if known is None:
            own = [route.index for route in self._routes if route.serves(on_wire(f"x@{domain}")[2:].lower())]
            known = tuple(own or [route.index for route in self._routes if not route.relay.domains])
            self._known[domain] = known
        return known
