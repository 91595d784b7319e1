"""Signing keys: made, published, used, replaced; and mails that carry their signature."""

import re
from collections.abc import Sequence

import dkim
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import KeyState, SigningKey
from app.accounts.signing import create_signing_key, is_published, signer_for, signing_domain, use
from app.db import reading, transaction, utc_now
from app.errors import Conflict
from app.mail import system_headers
from app.outbox.jobs import deliver
from app.outbox.post import post
from app.transport import MailObject, Outcome, Result
from tests import make


@pytest.fixture
def sender_id(app: APIFlask) -> int:
    with transaction() as session:
        return make.sender(session).id


def _key() -> SigningKey:
    with reading() as session:
        return session.scalars(select(SigningKey).order_by(SigningKey.id.desc())).first()


def _publish(app: APIFlask, *hosts: str) -> None:
    """What DNS says in this test."""
    record = _key().record

    def look_up(host: str) -> Sequence[str]:
        return [record] if host in hosts else []

    app.extensions["letterbond.txt_records"] = look_up


def test_a_key_is_used_when_its_record_is_published(app: APIFlask, marketer: FlaskClient, sender_id: int) -> None:
    page = f"/settings/senders/{sender_id}/signature/"
    assert "Mail is not signed" in marketer.get(page).text
    marketer.post(page + "new")
    key = _key()
    shown = marketer.get(page).text
    assert re.fullmatch(r"lb\d{8}\._domainkey\.kaeserei\.example", key.host)
    assert f'data-copy="{key.host}"' in shown
    assert f'data-copy="{key.record}"' in shown
    _publish(app)
    assert "not there yet" in marketer.post(f"{page}{key.id}/check", follow_redirects=True).text
    assert _key().state is KeyState.WAITING
    _publish(app, key.host)
    assert "is signed from now on" in marketer.post(f"{page}{key.id}/check", follow_redirects=True).text
    assert _key().state is KeyState.ACTIVE
    assert "is published" in marketer.post(f"{page}{key.id}/check", follow_redirects=True).text


def test_a_new_key_replaces_the_old_one_without_a_gap(marketer: FlaskClient, sender_id: int) -> None:
    page = f"/settings/senders/{sender_id}/signature/"
    marketer.post(page + "new")
    first = _key()
    marketer.post(f"{page}{first.id}/use")
    marketer.post(page + "new")
    marketer.post(page + "new")  # a second click makes no second key
    second = _key()
    assert second.host != first.host
    with reading() as session:
        states = dict(session.execute(select(SigningKey.id, SigningKey.state)).all())
    assert states == {first.id: KeyState.ACTIVE, second.id: KeyState.WAITING}
    marketer.post(f"{page}{first.id}/discard")  # the one in use stays
    marketer.post(f"{page}{second.id}/use")
    with reading() as session:
        states = dict(session.execute(select(SigningKey.id, SigningKey.state)).all())
    assert states == {first.id: KeyState.RETIRED, second.id: KeyState.ACTIVE}
    marketer.post(f"{page}{first.id}/discard")
    assert marketer.get(page).text.count(first.host) == 0


def test_a_key_is_out_of_reach_through_another_domains_sender(marketer: FlaskClient, sender_id: int) -> None:
    """S16."""
    marketer.post(f"/settings/senders/{sender_id}/signature/new")
    with transaction() as session:
        other = make.sender(session, address="post@elsewhere.example").id
    for action in ("check", "use", "discard"):
        assert marketer.post(f"/settings/senders/{other}/signature/{_key().id}/{action}").status_code == 404
    assert _key().state is KeyState.WAITING


def test_the_private_key_is_nowhere_in_the_clear(marketer: FlaskClient, sender_id: int) -> None:
    """S18."""
    marketer.post(f"/settings/senders/{sender_id}/signature/new")
    key = _key()
    assert "PRIVATE" not in key.private_key
    assert key.private_key not in marketer.get(f"/settings/senders/{sender_id}/signature/").text


def test_a_key_that_cannot_be_read_is_no_unsigned_mail(app: APIFlask, sender_id: int) -> None:
    with transaction() as session:
        sender = make.sender(session)
        key = create_signing_key(session, sender, utc_now())
        assert use(session, key, utc_now())
        key.private_key = key.private_key[:-8] + "AAAAAAA="
        with pytest.raises(Conflict, match="SECRET_KEY"):
            signer_for(session, sender)


def test_domains_beyond_ascii_sign_as_a_labels(app: APIFlask) -> None:
    with transaction() as session:
        assert signing_domain(make.sender(session, address="post@Käserei.example")) == "xn--kserei-bua.example"


def test_a_record_in_several_strings_is_the_same_record(app: APIFlask) -> None:
    with transaction() as session:
        key = create_signing_key(session, make.sender(session), utc_now())
    texts = [key.record[:100] + " " + key.record[100:] + ";"]
    assert is_published(key, lambda _host: texts)
    assert not is_published(key, lambda _host: [key.record.replace("p=", "p=A")])


class _Relay:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def send(self, mail: MailObject) -> Outcome:
        self.taken.append(mail.content)
        return Outcome(Result.ACCEPTED, 250)

    def close(self) -> None:
        pass


def test_letters_are_signed(app: APIFlask) -> None:
    relay = _Relay()
    app.extensions["letterbond.transport"] = lambda: relay
    with transaction() as session:
        sender = make.sender(session)
        key = create_signing_key(session, sender, utc_now())
        use(session, key, utc_now())
        post(session, sender, "anna@example.org", "test", "Grüße", "<p>Hi</p>", "Hi", system_headers(), utc_now())
    deliver()
    [content] = relay.taken
    names = {f"{key.host}.".encode(): key.record.encode()}
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: names.get(name))
