"""An installation for trials: tables, a sender, readers by the hundred thousand, a campaign that is due.

People come by INSERT … SELECT, not through the API: a million takes seconds. Reader number n is the subscriber with
that id, and all that is said of her follows from n, so a judge knows it without asking the database.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apiflask import APIFlask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import signing
from app.accounts.models import Organisation, Sender
from app.campaigns.layouts import Layout
from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.config import Config
from app.db import Base, transaction, utc_now
from app.delivery import launch

SECRET = "k" * 64
BASE_URL = "https://news.shop.example"
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_THEN = int(THEN.timestamp())

_FIRST = ("Anna", "Björn", "Chloé", "Dörte", "Emil", "Fatma", "Grzegorz", "Hanna", "Iris", "Jörg", "Kim", "Lena")
_LAST = ("Weber", "Müller", "O’Neil", "Yılmaz", "Nguyễn", "Schäfer", "Smith & Sons", "Groß", "Petersen")
_CITIES = ("Lüneburg", "Köln", "Zürich", "Wien", "Husum", "Görlitz", "Berlin")
_TEAS = ("Darjeeling First Flush", "Sencha", "Grüner Jasmin", "Oolong von Alishan", "Rauchtee", "Earl Grey")
_PRODUCTS = 500
# A multiplicative hash (Knuth): every reader's mark is her own.
_MULTIPLIER, _MARKS = 2_654_435_761, 2**32


def mark(number: int) -> str:
    """What only the mail of reader `number` may carry: the value of her custom field `mark`."""
    return f"mark-{number * _MULTIPLIER % _MARKS}-mark"


def environment(home: Path, database_url: str, smtp_url: str, redis_url: str = "unix:///nowhere") -> dict[str, str]:
    """The settings of a trial, as a process finds them."""
    return {
        "LETTERBOND_HOME": str(home),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SMTP_URL": smtp_url,
        "SECRET_KEY": SECRET,
        "BASE_URL": BASE_URL,
    }


def install(settings: Mapping[str, str]) -> APIFlask:
    """An app on empty tables with an organisation and a sender."""
    app = create_app(Config.from_environment(settings))
    Base.metadata.create_all(app.extensions["letterbond.database"].engine)
    with app.app_context(), transaction() as session:
        given = {"locale": "en", "time_zone": "Europe/Berlin", "currency": "EUR", "undo_seconds": 0}
        session.add(Organisation(id=1, name="Teehaus Lindenhof", created_at=THEN, **given))
        imprint = "Teehaus Lindenhof GmbH, Lindenweg 4, 21335 Lüneburg"
        session.add(Sender(name="Teehaus Lindenhof", address="post@shop.example", imprint=imprint, created_at=THEN))
    return app


def add_people(session: Session, people: int, *, orders: int = 0, slow_every: int = 0) -> None:
    """Readers 1 to `people`, each with so many orders; every `slow_every`-th at a provider with limits of its own."""
    is_slow = f"i % {slow_every} = 0" if slow_every else "1 = 0"
    address = f"'reader' || i || CASE WHEN {is_slow} THEN '@gmx.de' ELSE '@example.org' END"
    kind = "jsonb" if session.get_bind().dialect.name == "postgresql" else "text"
    attributes = f"""'{{"city": "' || {_one_of(_CITIES)} || '", "code": "TEA-' || (i * 7919 % 1000000)
        || '", "mark": "mark-' || (i * {_MULTIPLIER} % {_MARKS}) || '-mark"}}'"""
    _run(
        session,
        f"""INSERT INTO subscriber
            (id, email, address_key, address_hash, first_name, last_name, attributes, token_epoch)
        {_numbers(people)} SELECT i, {address}, {address}, 'hash' || i, {_one_of(_FIRST)}, {_one_of(_LAST)},
            CAST({attributes} AS {kind}), 0 FROM n""",
    )
    _run(
        session,
        f"""INSERT INTO standing (subscriber_id, status, tracking, language, country, created_at, confirmed_at,
            sent, opens, clicks, orders, spent, score)
        {_numbers(people)} SELECT i, 1, 2, CASE WHEN i % 3 = 0 THEN 'de' ELSE 'en' END, 'DE', {_THEN}, {_THEN},
            0, 0, 0, {orders}, {orders * 2150}, i % 1000 FROM n""",
    )
    if orders:
        _add_orders(session, people, orders)
    if session.get_bind().dialect.name == "postgresql":
        # What autovacuum has done long ago where people came in one by one.
        _run(session, "ANALYZE")


def _add_orders(session: Session, people: int, orders: int) -> None:
    _run(
        session,
        f"""INSERT INTO product (id, key, name, url, image, price)
        {_numbers(_PRODUCTS)} SELECT i, 'tea' || i, {_one_of(_TEAS)} || ' no. ' || i,
            'https://shop.example/tea/' || i || '?from=letter&size=100',
            'https://shop.example/pictures/' || i || '.jpg', i % 40 * 100 + 90 FROM n""",
    )
    _run(
        session,
        f"""INSERT INTO "order" (key, subscriber_id, ordered_at, amount, quantity, product_id)
        {_numbers(people * orders)} SELECT 'order' || i, (i - 1) / {orders} + 1, {_THEN} + i % 1000, 2150, 1,
            i * 7919 % {_PRODUCTS} + 1 FROM n""",
    )


def add_campaign(
    session: Session, letter: Layout, policy: CrashPolicy = CrashPolicy.RESEND, *, sender_id: int = 1
) -> int:
    """A campaign to everybody, due now."""
    now = utc_now()
    campaign = Campaign(
        name="Trial",
        state=CampaignState.HOLDING,
        sender_id=sender_id,
        subject=letter.subject,
        preheader=letter.preheader,
        html=letter.html,
        language=letter.language,
        crash_policy=policy,
        send_after=now - timedelta(seconds=1),
        created_at=now,
        updated_at=now,
    )
    session.add(campaign)
    session.flush()
    return campaign.id


def sign(session: Session) -> None:
    """Sign the sender's mails with an RSA key of 2048 bits, its record taken for published."""
    key = signing.create_signing_key(session, session.get_one(Sender, 1), utc_now())
    assert signing.use(session, key, utc_now())


def launched(
    app: APIFlask, people: int, letter: Layout, policy: CrashPolicy = CrashPolicy.RESEND, *, slow_every: int = 0
) -> int:
    """People and a campaign to them whose ledger is written; its id."""
    with app.app_context(), transaction() as session:
        add_people(session, people, slow_every=slow_every)
    return launch_now(app, letter, policy)


def launch_now(app: APIFlask, letter: Layout, policy: CrashPolicy = CrashPolicy.RESEND) -> int:
    """A campaign to those who are there, its ledger written; its id."""
    with app.app_context():
        with transaction() as session:
            campaign_id = add_campaign(session, letter, policy)
        with transaction() as session:
            assert launch.launch(session, campaign_id, utc_now())
    return campaign_id


def _run(session: Session, statement: str) -> None:
    # Nothing is bound: a colon is a colon.
    session.execute(text(statement.replace(":", r"\:")))


def _numbers(count: int) -> str:
    return f"WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < {count})"


def _one_of(words: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {at} THEN '{word}'" for at, word in enumerate(words))
    return f"CASE i % {len(words)} {cases} END"
