"""Whose mailbox an address is, how much that provider is given, and when it asks for less.

A group is all domains whose mail one provider takes: gmail covers Workspace domains, gmx also web.de (R4). Known
domains are in `data/providers.toml`; others are recognised by their MX hosts where a resolver answers (`mx.py`); who is
neither has no limit. Not in charge of: counting (`limits.py`).
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from app.transport import Outcome, Result
from workers.smtp.limits import Allowance


@dataclass(frozen=True, slots=True)
class Provider:
    """One mailbox provider."""

    name: str
    allowance: Allowance
    mx: tuple[str, ...]
    slow_down: re.Pattern[str]


class Providers:
    """Finds the provider of an address; `mx_hosts` tells the MX hosts of a domain, or nothing if it does not know."""

    def __init__(self, mx_hosts: Callable[[str], tuple[str, ...]] = lambda _domain: ()) -> None:
        self._known, self._all = _table()
        self._by_name = {provider.name: provider for provider in self._all}
        self._mx_hosts = mx_hosts

    def of(self, address: str) -> Provider | None:
        """The provider, or None for an unknown one."""
        domain = address.rpartition("@")[2].lower()
        found = self._known.get(domain)
        if found is not None:
            return found
        hosts = self._mx_hosts(domain)
        if not hosts:
            return None
        return next((each for each in self._all if any(host.endswith(each.mx) for host in hosts)), None)

    def named(self, name: str) -> Provider:
        """The provider of this name."""
        return self._by_name[name]


def wants_less(outcome: Outcome, provider: Provider | None) -> bool:
    """Whether a reply says "you are too fast": only one that defers, for a refusal is about the mail."""
    if outcome.result is not Result.DEFERRED or outcome.code is None:
        return False
    pattern = provider.slow_down if provider else _everybody()
    return bool(pattern.search(outcome.text))


@cache
def _table() -> tuple[dict[str, Provider], tuple[Provider, ...]]:
    read = tomllib.loads(files("workers.smtp").joinpath("data/providers.toml").read_text())
    providers: list[Provider] = []
    domains: dict[str, Provider] = {}
    for name, each in read["provider"].items():
        words = re.compile("|".join([*read["slow_down"], *each.get("slow_down", ())]), re.IGNORECASE)
        provider = Provider(name, Allowance(each["per_second"], each["at_once"]), tuple(each["mx"]), words)
        providers.append(provider)
        domains |= dict.fromkeys(each["domains"], provider)
    return domains, tuple(providers)


@cache
def _everybody() -> re.Pattern[str]:
    read = tomllib.loads(files("workers.smtp").joinpath("data/providers.toml").read_text())
    return re.compile("|".join(read["slow_down"]), re.IGNORECASE)
