"""Whose network an address belongs to, as far as that says something about who opened or clicked.

In charge of: Apple's relay, Microsoft and the mail gateways, from `data/networks.tsv`. Consumer providers, private
relays as such and hosting clouds are left out on purpose: people sit behind them (TRUST 2.2, rule 12).
"""

import csv
from array import array
from bisect import bisect_right
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address
from socket import AF_INET, inet_pton


class Network(StrEnum):
    """Who runs it."""

    APPLE = "apple"
    MICROSOFT = "microsoft"
    GATEWAY = "gateway"


class _Ranges:
    """Sorted ranges that do not overlap; IPv6 by its upper 64 bits, for no provider splits a /64."""

    def __init__(self) -> None:
        self._starts, self._ends = array("Q"), array("Q")
        self._networks: list[Network] = []

    def add(self, start: int, end: int, network: Network) -> None:
        self._starts.append(start)
        self._ends.append(end)
        self._networks.append(network)

    def find(self, number: int) -> Network | None:
        at = bisect_right(self._starts, number) - 1
        return self._networks[at] if at >= 0 and number <= self._ends[at] else None


@lru_cache(maxsize=4096)
def network_of(address: str) -> Network | None:
    """The network of an IP address; None for all others and for what is no address."""
    try:
        version, number = _number(address)
    except ValueError:
        return None
    return _ranges()[version].find(number)


def _number(address: str) -> tuple[int, int]:
    if ":" not in address:
        # The library is right as well, but ten times slower, and most addresses are seen once.
        try:
            return 4, int.from_bytes(inet_pton(AF_INET, address))
        except OSError:
            pass
    found = ip_address(address)
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return (4, int(found)) if found.version == 4 else (6, int(found) >> 64)


@lru_cache(maxsize=1)
def _ranges() -> dict[int, _Ranges]:
    ranges = {4: _Ranges(), 6: _Ranges()}
    text = files("app.tracking").joinpath("data/networks.tsv").read_text()
    for start, end, network in csv.reader(text.splitlines(), delimiter="\t"):
        version, first = _number(start)
        ranges[version].add(first, _number(end)[1], Network(network))
    return ranges
