"""A send worker that the crash test may kill: `python -m tests.crash.worker DATABASE_URL HOME PORT CAMPAIGN`.

It drains one campaign over and over, as the reaper's bells would make it, until nothing is left.
"""

import sys
import time
from pathlib import Path

from app import create_app
from app.campaigns.models import Campaign, CampaignState
from app.config import Config
from app.db import reading, transaction, utc_now
from app.delivery import reap, send
from app.delivery.desk import desk
from app.relay import Relay
from workers.smtp import SmtpTransport
from workers.stopping import Stop


def config(database_url: str, home: str, port: int) -> Config:
    """The settings that the test and its workers share."""
    return Config(
        home=Path(home),
        database_url=database_url,
        redis_url="unix:///nowhere",
        relays=(Relay("smtp", "localhost", port),),
        secret_key="k" * 64,
        base_url="http://localhost",
        port=8000,
    )


def main(database_url: str, home: str, port: str, campaign: str) -> None:
    campaign_id, stop = int(campaign), Stop().listen()
    settings = config(database_url, home, int(port))
    app = create_app(settings)
    app.extensions["letterbond.stopping"] = stop
    app.extensions["letterbond.transport"] = lambda: SmtpTransport(settings.relays, "localhost")
    with app.app_context():
        while not stop() and not _is_over(campaign_id):
            with desk() as own:
                send.drain(own, campaign_id)
            with transaction() as session:
                reap.finish(session, utc_now())
            time.sleep(0.05)


def _is_over(campaign_id: int) -> bool:
    with reading() as session:
        return session.get_one(Campaign, campaign_id).state is CampaignState.SENT


if __name__ == "__main__":
    main(*sys.argv[1:])
