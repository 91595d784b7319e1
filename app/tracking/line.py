"""A hit as it waits in the spool: a line of JSON, the arguments of `verdict.Hit`.

In charge of: what a hit says, and what marks its request as a machine's on its face. Not of keeping it
(`events/buffer.py`). Written by hand, for `json.dumps` takes as long as all the rest of a hit.
"""

import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii

from app.campaigns.urls import Address, ClickAddress
from app.tracking.verdict import HitKind

_AGENT_LENGTH = 300
# Browsers and filters say in these headers that no person has asked yet.
PURPOSES = ("purpose", "x-purpose", "sec-purpose", "x-moz")

_quoted = lru_cache(maxsize=4096)(encode_basestring_ascii)


def hit_line(address: Address, client: str, agent: str, sign: str) -> bytes:
    """The hit, at this moment, of somebody at the network address `client`."""
    if isinstance(address, ClickAddress):
        kind, link = HitKind.CLICK.value, str(address.index) if address.index is not None else address.target or ""
    else:
        kind, link = HitKind.OPEN.value, ""
    at, whom = int(time.time() * 1000), f"{address.campaign_id},{address.subscriber_id}"
    said = f"{_quoted(link)},{_quoted(client)},{_quoted(agent[:_AGENT_LENGTH])}"
    return f'[{at},"{kind}",{whom},{said},"{sign}"]\n'.encode()


def sign(method: str, purpose: str, *, has_range: bool) -> str:
    """What gives a machine away; empty for nothing (TRUST 2.2, rule 8). `purpose` joins the headers PURPOSES."""
    if method != "GET":
        return method
    if has_range:
        return "range"
    purpose = purpose.lower()
    return "prefetch" if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose else ""
