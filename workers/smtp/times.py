"""How long a server may be silent, by phase."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, RFC 5321 §4.5.3.2. A shorter wait at the dot makes doubles."""

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
