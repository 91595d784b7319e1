"""A sender for benchmarks: `python -m bench.sender CAMPAIGN`, its settings in the environment.

It is a worker of the send queue without the queue: the same app, equipped alike, running the same job again and again.
It says `ready`, waits for a line, sends until the campaign is over or it is told to stop, and prints what that cost.
"""

import json
import os
import resource
import sys
import time

from app import create_app
from app.campaigns.models import Campaign, CampaignState
from app.config import Config
from app.db import reading
from app.delivery import jobs, message
from app.dkim import Signer
from bench.processes import peak_mb
from workers.runtime import equip
from workers.stopping import Stop

_OVER = (CampaignState.SENT, CampaignState.CANCELLED, CampaignState.PAUSED)


def main(campaign_id: int) -> None:
    """Send."""
    app, stop = create_app(Config.from_environment(), pages=False), Stop().listen()
    equip(app, stop)
    if os.environ.get("BENCH_SIGN") == "ed25519":
        _sign_with_ed25519()
    print("ready", flush=True)
    sys.stdin.readline()
    before = _cpu()
    with app.app_context():
        while not stop() and not _is_over(campaign_id):
            jobs.drain(campaign_id)
            time.sleep(0.01)
    # Not ru_maxrss: it begins with what the process had that started this one.
    print(json.dumps({"cpu_seconds": _cpu() - before, "peak_rss_mb": peak_mb(os.getpid())}), flush=True)


def _sign_with_ed25519() -> None:
    """Letterbond signs with RSA, which all receivers know; this asks what the other would cost (RFC 8463)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signer = Signer("shop.example", "bench", Ed25519PrivateKey.generate())
    message.signer_for = lambda _session, _sender: signer


def _is_over(campaign_id: int) -> bool:
    with reading() as session:
        return session.get_one(Campaign, campaign_id).state in _OVER


def _cpu() -> float:
    """Of all threads, and of children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main(int(sys.argv[1]))
