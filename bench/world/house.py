"""What of the made-up world the product itself makes: the installation before the people, and what is derived after."""

from datetime import datetime, timedelta

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.accounts.setup import FirstRun, set_up
from app.audiences.models import LASTS
from app.audiences.refresh import refresh_all
from app.audiences.segment import create
from app.campaigns.editions import freeze
from app.campaigns.models import Campaign, CampaignState
from app.feature import house
from app.scoring.points import points_of, score_clock
from app.scoring.rebuild import rebuild
from app.scoring.tiers import all_tiers, tier_sql
from app.shop.models import Product
from app.subscribers.custom_fields import add_field
from app.subscribers.models import FieldKind, Standing, Tag
from app.subscribers.topics import save_topic
from bench.world.rules import SEGMENTS

LINKS, PRODUCTS = 8, 200
TAGS = ("press", "fair 2025", "raffle", "vip", "wholesale", "friends", "beta", "gift card")
CITIES = ("Berlin", "Hamburg", "München", "Köln", "Wien", "Zürich", "Lüneburg", "Kempten", "Leeds", "Lyon")
_HTML = """<html><body><h1>Hello {{ first_name|default("friend") }}</h1>%s<p>{{ sender.imprint }}</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""
# Who is in a segment now came some time since she joined; one in four had been in it before. Mixed by multiplication.
_PAST = (
    """CREATE TEMPORARY TABLE member AS
        SELECT segment_id, s.subscriber_id, s.created_at, s.created_at + (:end - s.created_at) * (
            (s.subscriber_id * 7919 + segment_id * 104729) % 1000) / 1000 AS came
        FROM membership m JOIN standing s ON s.subscriber_id = m.subscriber_id AND s.created_at < :end""",
    "DELETE FROM membership",
    """INSERT INTO membership (segment_id, left_at, subscriber_id, joined_at)
        SELECT segment_id, created_at + (came - created_at) * 8 / 10, subscriber_id,
            created_at + (came - created_at) * 4 / 10
        FROM member WHERE came > created_at + 864000 AND (subscriber_id + segment_id) % 4 = 0
        UNION ALL SELECT segment_id, :lasts, subscriber_id, came FROM member ORDER BY 1, 2, 3""",
    "DROP TABLE member",
)


def found(session: Session, campaigns: int, end: datetime, password: str) -> None:
    """The installation itself, by the product's own verbs: words, products, campaigns as they went out."""
    then = end - timedelta(days=2200)
    first = FirstRun(
        email="bench@letterbond.example",
        password=password,
        organisation="Plattenladen am Fluss",
        locale="en",
        time_zone="Europe/Berlin",
        currency="EUR",
        sender_name="Plattenladen am Fluss",
        sender_address="hallo@plattenladen.example",
        imprint="Plattenladen am Fluss GmbH\nUferweg 12, 21335 Lüneburg\nhallo@plattenladen.example",
    )
    set_up(session, first, then)
    house().write_defaults(session, then)
    save_topic(session, None, key="offers", name="Offers")
    add_field(session, "city", "City", FieldKind.TEXT)
    add_field(session, "pets", "Number of pets", FieldKind.NUMBER)
    add_field(session, "size", "Size", FieldKind.CHOICE, ["S", "M", "L", "XL"])
    add_field(session, "club", "Club member", FieldKind.FLAG)
    add_field(session, "since", "Customer since", FieldKind.DATE)
    session.add_all(Tag(name=name) for name in TAGS)
    session.add_all(Product(key=f"P{n:03}", name=f"Record no. {n}", price=900 + n * 17) for n in range(1, PRODUCTS + 1))
    for number in range(campaigns):
        _send_out(session, number, end - timedelta(days=725) + timedelta(days=720) * number / max(1, campaigns - 1))


def _send_out(session: Session, number: int, at: datetime) -> None:
    links = "".join(f'<p><a href="https://shop.example/{number}/{n}">Offer {n}</a></p>' for n in range(LINKS))
    at += timedelta(hours=10)
    campaign = Campaign(
        name=f"Letter {number + 1}, {at:%B %Y}",
        state=CampaignState.SENT,
        sender_id=1,
        subject="What is new on the shelves",
        preheader="Eight records that stay",
        html=_HTML % links,
        send_after=at,
        started_at=at,
        finished_at=at + timedelta(minutes=22),
        created_at=at - timedelta(days=2),
        updated_at=at,
    )
    session.add(campaign)
    session.flush()
    freeze(session, campaign, at)


def score_all(session: Session, now: datetime) -> None:
    """Scores of all events, and the tiers they stand for."""
    rebuild(session, now)
    clock = score_clock(session)
    assert clock
    due = tier_sql(all_tiers(session), points_of(session, clock).decay, now)
    moved = update(Standing).values(tier_id=due, tier_since=now - timedelta(days=30))
    session.execute(moved, execution_options={"synchronize_session": False})


def segment_all(session: Session, end: datetime, now: datetime) -> None:
    """The twenty segments and who is in them, with a past."""
    for name, rule in SEGMENTS:
        create(session, name, rule, end - timedelta(days=730))
    session.flush()
    refresh_all(session, now)
    for sql in _PAST:
        session.execute(text(sql), {"lasts": int(LASTS.timestamp()), "end": int(end.timestamp())})
