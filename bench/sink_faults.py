"""The faults of the sink: which phase, what happens, how often, to whom; drawn by a seed.

A fault is `PHASE:WHAT:RATE` or `PHASE:WHAT:RATE:DOMAIN`, for example

    rcpt:450 4.2.1 mailbox busy:0.02       two of a hundred recipients are asked to wait
    dot:lose:0.01                          kept, and cut before the reply (RFC 1047)
    data:hang:1:slow.example               one provider never answers DATA

Phases are connect, ehlo, starttls, auth, mail, rcpt, data, dot, rset, quit. WHAT is a reply, or `drop` (cut without a
word), `hang` (say nothing more), `lose` (phase dot: keep the mail and cut), `after` (phase dot: reply, then cut).
Whether a fault strikes hangs on seed, phase, recipient and how often she was seen there, not on the order of
connections: the same seed does the same to the same people.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

PHASES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot", "rset", "quit")
DROP, HANG, LOSE, AFTER = "drop", "hang", "lose", "after"
_FULL = 2**64


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at a phase, in `rate` of all cases; only for recipients at `domain` if given."""

    phase: str
    what: str
    rate: float
    domain: str = ""

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `PHASE:WHAT:RATE[:DOMAIN]`; raise ValueError with a sentence."""
        parts = text.strip().split(":")
        if len(parts) not in {3, 4} or parts[0] not in PHASES:
            raise ValueError(f"not a fault: {text!r}; expected PHASE:WHAT:RATE[:DOMAIN] and a phase of {PHASES}")
        what = parts[1]
        if what not in {DROP, HANG, LOSE, AFTER} and not (what[:3].isdigit() and what[0] in "45"):
            raise ValueError(f"not a fault: {text!r}; WHAT is a reply of 4xx or 5xx, drop, hang, lose or after")
        return cls(parts[0], what, float(parts[2]), parts[3] if len(parts) == 4 else "")


class Faults:
    """All faults of a sink, and its dice."""

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._by_phase: dict[str, list[Fault]] = {}
        for fault in faults:
            self._by_phase.setdefault(fault.phase, []).append(fault)
        self._seed = seed
        self._seen: Counter[tuple[str, str]] = Counter()

    def strike(self, phase: str, recipient: str) -> str:
        """What goes wrong now; empty for nothing."""
        for fault in self._by_phase.get(phase, ()):
            if fault.domain and not recipient.endswith("@" + fault.domain):
                continue
            if self._draw(phase, recipient) < fault.rate:
                return fault.what
        return ""

    def _draw(self, phase: str, recipient: str) -> float:
        self._seen[phase, recipient] += 1
        text = f"{self._seed} {phase} {recipient} {self._seen[phase, recipient]}"
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / _FULL
