"""Which hosts take the mail of a domain, asked beside the sending and remembered: nothing ever waits for an answer.

Where no resolver answers it falls silent by itself for a while. Not in charge of: what the hosts tell (`providers.py`).
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

Hosts = tuple[str, ...]

_REMEMBERED = 20_000
_KEPT_SECONDS = 3600.0
_LIFETIME = 3.0
# So many questions wait at most; what is asked for more often comes up again.
_WAITING = 50
_FAILURES, _SILENT_SECONDS = 3, 600.0


class MxHosts:
    """Asks DNS in a thread of its own. Call it with a domain; what is not known yet is an empty tuple."""

    def __init__(self, ask: "Callable[[str], Hosts | None] | None" = None) -> None:
        self._ask = ask or _ask_dns
        self._found: OrderedDict[str, tuple[float, Hosts]] = OrderedDict()
        self._waiting: set[str] = set()
        self._failures, self._silent_until = 0, 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mx")

    def __call__(self, domain: str) -> Hosts:
        """What is known of the domain; what is not, or no longer, is asked for."""
        found = self._found.get(domain)
        now = time.monotonic()
        if found is None or found[0] < now:
            self._begin(domain, now)
        return found[1] if found else ()

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, domain: str, now: float) -> None:
        if len(self._waiting) < _WAITING and domain not in self._waiting and now >= self._silent_until:
            self._waiting.add(domain)
            self._thread.submit(self._look_up, domain)

    def _look_up(self, domain: str) -> None:
        hosts = self._ask(domain)
        self._waiting.discard(domain)
        if hosts is None:
            self._failures += 1
            if self._failures >= _FAILURES:
                self._silent_until = time.monotonic() + _SILENT_SECONDS
                log.info("no resolver answers: providers are told by the domain alone")
            return
        self._failures = 0
        self._found[domain] = (time.monotonic() + _KEPT_SECONDS, hosts)
        if len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)


def _ask_dns(domain: str) -> Hosts | None:
    """The MX hosts, lower case and without the final dot; None if nobody answered."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, resolve

    try:
        answer = resolve(domain, "MX", lifetime=_LIFETIME)
    except (NXDOMAIN, NoAnswer):
        return ()
    except DNSException:
        return None
    return tuple(str(record.exchange).rstrip(".").lower() for record in answer)
