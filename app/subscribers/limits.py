"""How often somebody may ask for a confirmation mail (TRUST S12).

Counted per sender address, per neighbourhood and for everybody, by the hour. Addresses of machines are hashed before
they are counted (TRUST T5). That one mailbox gets one mail a day is a matter of the outbox (`signup`).
"""

import logging
from ipaddress import ip_address, ip_network

from flask import current_app
from flask_babel import gettext as _
from redis import RedisError

from app.errors import TooMany
from app.queue import redis

log = logging.getLogger(__name__)

PER_HOUR = {"address": 10, "neighbourhood": 60, "everybody": 2000}
_HOUR = 3600


def check_limits(ip: str | None) -> None:
    """Count one request from `ip`; raise TooMany beyond a limit."""
    counts = {name: _count(f"{name}:{whom}") for name, whom in _groups(ip).items()}
    for name, count in counts.items():
        if count > PER_HOUR[name]:
            raise TooMany(_("Too many sign-ups came from here. Please try again in an hour."))


def _groups(ip: str | None) -> dict[str, str]:
    if ip is None:
        return {"everybody": ""}
    # One household has an IPv4 address or an IPv6 /64; its neighbours share the /24 or the /48.
    own, near = (32, 24) if ip_address(ip).version == 4 else (64, 48)
    return {
        "address": str(ip_network(f"{ip}/{own}", strict=False)),
        "neighbourhood": str(ip_network(f"{ip}/{near}", strict=False)),
        "everybody": "",
    }


def _count(name: str) -> int:
    key = "letterbond:signups:" + current_app.extensions["letterbond.tokens"].address_hash(name)
    try:
        with redis().pipeline() as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, _HOUR, nx=True)
            return int(pipeline.execute()[0])
    except RedisError as error:
        log.warning("sign-ups are not counted, the queue is away: %s", error)
        return 0
