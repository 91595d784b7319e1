"""Readers in a database, and what it takes to know what a letter says to them."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts.models import Sender
from app.campaigns.editions import freeze
from app.campaigns.layouts import Layout
from app.campaigns.models import Campaign
from app.config import Config
from app.db import Base, reading, transaction, utc_now
from app.delivery.message import people
from app.subscribers.models import Subscriber
from bench.measure import cpu_seconds

PEOPLE = 500
BASE = "https://news.shop.example"
_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE})"
_ROWS = (
    f"""INSERT INTO subscriber (id, email, address_key, address_hash, first_name, last_name, attributes, token_epoch)
    {_NUMBERS} SELECT i, i || '@e.de', i || '@e.de', i, 'Anna', 'Weber', '{{"city": "Köln", "code": "T"}}', 0 FROM n""",
    f"""INSERT INTO standing (subscriber_id, status, tracking, language, created_at, sent, opens, clicks, orders, spent,
    score) {_NUMBERS} SELECT i, 1, 2, 'de', 0, 0, 0, 0, 3, 1000, 0 FROM n""",
    f"""INSERT INTO product (id, key, name, url, image, price) {_NUMBERS}
    SELECT i, i, 'Tea', 'https://e.de/' || i, 'https://e.de/' || i || '.jpg', 1990 FROM n""",
    f"""INSERT INTO "order" (key, subscriber_id, product_id, quantity, amount, ordered_at) {_NUMBERS},
    k(j) AS (VALUES (1), (2), (3), (4), (5))
    SELECT i || '-' || j, i, 1 + (i * 5 + j) % {PEOPLE}, 1, 1990, j FROM n, k""",
)


def reading_readers(folder: Path, letter: Layout) -> tuple[float, float]:
    """CPU seconds to know what the letter says to one person of a batch, and to load one person by the ORM."""
    app = create_app(Config.from_environment({"LETTERBOND_HOME": str(folder), "SECRET_KEY": "k" * 64}))
    database, tokens = app.extensions["letterbond.database"], app.extensions["letterbond.tokens"]
    Base.metadata.create_all(database.engine)
    ids = list(range(1, PEOPLE + 1))
    with app.app_context():
        with transaction() as session:
            campaign = _campaign(session, letter)
        with reading() as session:
            batch = cpu_seconds(lambda _: people(session, campaign, ids, tokens, BASE), 2) / PEOPLE
            one = cpu_seconds(lambda at: session.get_one(Subscriber, at + 1, populate_existing=True), 100)
    database.close()
    return batch, one


def _campaign(session: Session, letter: Layout) -> Campaign:
    for row in _ROWS:
        session.execute(text(row))
    now = utc_now()
    session.add(Sender(id=1, name="Teehaus", address="post@shop.example", imprint="Lindenweg 4", created_at=now))
    session.flush()
    words = {"name": letter.name, "subject": letter.subject, "preheader": letter.preheader, "html": letter.html}
    campaign = Campaign(sender_id=1, created_at=now, updated_at=now, **words)
    session.add(campaign)
    session.flush()
    freeze(session, campaign, now)
    return campaign
