"""Everything around a sender may fail: the campaign says so in plain words or goes on by itself, and nothing counts as
sent that was not taken."""

import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis import Redis
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState
from app.config import Relay
from app.db import transaction, utc_now
from app.delivery import clerk, send
from app.delivery.books import books
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.shards import claim
from app.subscribers.models import Standing
from tests.app.delivery.conftest import drain, state_of
from tests.app.delivery.pipe import Pipe
from tests.sink import Sink
from workers.smtp import SmtpTransport


@pytest.fixture
def expired(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that was valid until yesterday."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(utc_now() - timedelta(days=9))
    signed = made.not_valid_after(utc_now() - timedelta(days=1)).sign(key, hashes.SHA256())
    unlocked = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "expired.pem"
    file.write_bytes(key.private_bytes(*unlocked) + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def relays(expired: ssl.SSLContext) -> Iterator[dict[str, Relay]]:
    """Mail servers that nobody can send through."""
    with Sink(password="right") as locked, Sink(certificate=expired, security="smtps") as outdated:
        yield {
            "closed": Relay("smtp", "127.0.0.1", 1),
            "unknown": Relay("smtp", "mail.invalid", 25),
            "password": Relay("smtp", "localhost", locked.port, "user", "wrong"),
            "certificate": outdated.relay,
        }


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("closed", "cannot be reached"),
        ("unknown", "cannot be reached"),
        ("password", "refuses user and password"),
        ("certificate", "certificate is not valid"),
    ],
)
def test_a_relay_that_cannot_be_used_is_told_and_costs_nobody_the_mail(
    app: APIFlask, relays: dict[str, Relay], launched: Callable[..., int], which: str, said: str
) -> None:
    app.extensions["letterbond.transport"] = lambda: SmtpTransport(relays[which], "test.example")
    campaign_id = launched(people=3)
    drain(campaign_id)
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert said in (campaign.pause_reason or "")
        assert campaign.state is CampaignState.SENDING
        found = books(session, campaign_id)
        assert (found.queued, found.balanced) == (3, True)
        assert set(session.scalars(select(Delivery.attempts))) == {0}
        assert set(session.scalars(select(Standing.sent))) == {0}


def test_without_redis_a_campaign_ends_all_the_same(app: APIFlask, sink: Sink, launched: Callable[..., int]) -> None:
    """Q3: the doorbell is broken, the ledger is not."""
    app.extensions["letterbond.redis"] = Redis.from_url("unix:///nowhere/valkey.sock")
    campaign_id = launched(people=3)
    drain(campaign_id)
    assert (state_of(campaign_id), len(sink.messages)) == (CampaignState.SENT, 3)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)])
def test_a_worker_whose_clock_is_wrong_takes_no_shard_from_another_and_sends_each_mail_once(
    app: APIFlask, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    """Q10: leases are the database's time."""
    pipe = Pipe()
    app.extensions["letterbond.transport"] = lambda: pipe
    campaign_id = launched(people=6)
    with transaction() as session:
        assert claim(session, campaign_id, "another", utc_now())
    for module in (send, clerk):
        monkeypatch.setattr(module, "utc_now", lambda: utc_now() + jump)
    drain(campaign_id)
    assert pipe.taken == []
    with transaction() as session:
        session.execute(update(Shard).values(lease_until=None))
    drain(campaign_id)
    assert len(pipe.taken) == len(set(pipe.taken)) == 6


def test_a_database_that_stays_away_ends_the_work_and_the_journal_tells_the_next_owner(
    app: APIFlask, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q4: what was taken counts once, although its sender never could write it down."""
    pipe = Pipe(width=2)
    app.extensions["letterbond.transport"] = lambda: pipe
    campaign_id = launched(people=6)
    write = clerk.write

    def once(*arguments: object) -> bool:
        if pipe.taken:
            patch.setattr("app.delivery.watch._SAFE_SECONDS", 0.2)
            raise clerk.DBAPIError("UPDATE", {}, Exception("database or disk is full"))
        return write(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(clerk, "write", once)
        patch.setattr(clerk, "_RETRY_SECONDS", 0.01)
        drain(campaign_id)
    assert len(pipe.taken) == 6
    with transaction() as session:
        assert set(session.scalars(select(Delivery.state))) == {DeliveryState.IN_FLIGHT}
    drain(campaign_id)
    assert len(pipe.taken) == 6
    with transaction() as session:
        assert books(session, campaign_id).sent == 6
        assert set(session.scalars(select(Standing.sent))) == {1}
    assert state_of(campaign_id) is CampaignState.SENT
