"""The gate of the mailbox providers: a mail whose provider has had enough waits a moment here, or is held back.

It never holds up mails to others. Not in charge of: numbers (`limits.py`) and who is whose (`providers.py`).
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from app.transport import Outcome, Result
from workers.smtp.limits import Limits
from workers.smtp.parcel import Parcel
from workers.smtp.providers import Provider, Providers, wants_less
from workers.smtp.waker import Waker

# So many mails of one provider wait for it, and so long at most, seconds.
_PARKED, _PATIENCE = 20, 2.0
# So long a pause is believed without asking again.
_BELIEVED = 5.0


@dataclass(slots=True)
class _Queue:
    parked: deque[Parcel] = field(default_factory=deque)
    due: float = 0.0


class Gate:
    """Lets mails to each provider through at its speed; `owner` tells places of this process from others'."""

    def __init__(self, providers: Providers, limits: Limits, owner: str) -> None:
        self._providers, self._limits, self._owner = providers, limits, owner
        self._numbers = count()
        self._queues: dict[str, _Queue] = {}
        self._kept: set[Parcel] = set()
        self._places: dict[str, set[str]] = {}

    def enter(self, parcel: Parcel, waker: Waker) -> Outcome | None:
        """Let it through, or keep it (then `keeps` is true), or say that it is held back."""
        provider = self._providers.of(parcel.mail.recipient)
        if provider is None:
            return None
        parcel.provider = provider.name
        queue = self._queues.setdefault(provider.name, _Queue())
        now = time.monotonic()
        if not queue.parked and now >= queue.due:
            wait = self._take(parcel, provider)
            if wait == 0.0:
                return None
            queue.due = now + min(wait, _BELIEVED)
        if queue.due - now > _PATIENCE or len(queue.parked) >= _PARKED:
            return held_back(provider.name)
        queue.parked.append(parcel)
        self._kept.add(parcel)
        waker.wake(queue.due - now)
        return None

    def keeps(self, parcel: Parcel) -> bool:
        """Whether it waits here."""
        return parcel in self._kept

    def due(self, route: int, waker: Waker) -> Parcel | None:
        """One that has waited and may go by this relay now."""
        if not self._kept:
            return None
        now = time.monotonic()
        for name, queue in self._queues.items():
            if not queue.parked or route not in queue.parked[0].routes:
                continue
            if now >= queue.due:
                wait = self._take(queue.parked[0], self._providers.named(name))
                if wait == 0.0:
                    parcel = queue.parked.popleft()
                    self._kept.discard(parcel)
                    waker.wake(0.0 if queue.parked else 1.0)
                    return parcel
                queue.due = now + min(wait, _BELIEVED)
            waker.wake(queue.due - now)
        return None

    def leave(self, parcel: Parcel, outcome: Outcome) -> None:
        """Its final word is known: the place is free, and a provider that says "too fast" is slowed down."""
        if parcel.provider is None or parcel.place is None:
            return
        provider, name = self._providers.named(parcel.provider), f"provider:{parcel.provider}"
        succeeded = outcome.result is Result.ACCEPTED
        self._places[name].discard(parcel.place)
        self._limits.give(name, parcel.place, provider.allowance, succeeded=succeeded)
        parcel.place = None
        if wants_less(outcome, provider):
            self._limits.slow_down(name)
            self._queues[parcel.provider].due = 0.0

    def impatient(self) -> list[Parcel]:
        """Give out those whose provider has closed its door in the meantime."""
        latest = time.monotonic() + _PATIENCE
        return self.give_out(lambda parcel: self._queues[parcel.provider or ""].due > latest)

    def clear(self) -> list[Parcel]:
        """Give out all that wait."""
        return self.give_out(lambda _parcel: True)

    def give_out(self, which: Callable[[Parcel], bool]) -> list[Parcel]:
        """Let go of those of which this is true."""
        out = {parcel for parcel in self._kept if which(parcel)}
        for queue in self._queues.values() if out else ():
            queue.parked = deque(parcel for parcel in queue.parked if parcel not in out)
        self._kept -= out
        return list(out)

    def renew(self) -> None:
        """Say that the mails in hand are still in hand."""
        for name, places in self._places.items():
            if places:
                self._limits.renew(name, places)

    def _take(self, parcel: Parcel, provider: Provider) -> float:
        name, place = f"provider:{provider.name}", f"{self._owner}:{next(self._numbers)}"
        wait = self._limits.take(name, provider.allowance, place)
        if wait == 0.0:
            parcel.place = place
            self._places.setdefault(name, set()).add(place)
        return wait


def held_back(provider: str) -> Outcome:
    """Our own limit: not begun, try again soon."""
    return Outcome(Result.HELD_BACK, text=f"our own limit for {provider}")
