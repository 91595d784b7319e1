"""DKIM keys of the sender domains: made, published, used, replaced; and the Signer that mails are signed with.

A key is used only when somebody says that its record is published: a signature that nobody can check is worse than
none. In charge of: states of keys, and their encryption at rest (TRUST S18). Not of: signatures (`app/dkim.py`).
"""

import base64
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import KeyState, Sender, SigningKey
from app.config import Config
from app.dkim import Signer, dns_record
from app.errors import Conflict
from app.mail import wire_address

# RFC 8301 §3.2 and every large provider: 2048 bits.
_BITS = 2048
_NONCE = 12


def signing_domain(sender: Sender) -> str:
    """The domain whose key signs this sender's mail, in A-labels: that of its address, as DMARC wants."""
    return wire_address(f"x@{sender.domain}").removeprefix("x@").lower()


def signer_for(session: Session, sender: Sender) -> Signer | None:
    """What signs this sender's mail; None if its domain has no key in use. Raises Conflict if the key is unreadable."""
    query = select(SigningKey).where(SigningKey.domain == signing_domain(sender), SigningKey.state == KeyState.ACTIVE)
    key = session.scalar(query)
    return _signer(key.domain, key.selector, key.private_key, _secret()) if key else None


def keys_of(session: Session, sender: Sender) -> Sequence[SigningKey]:
    """All keys of its domain, the newest first."""
    query = select(SigningKey).where(SigningKey.domain == signing_domain(sender))
    return session.scalars(query.order_by(SigningKey.id.desc())).all()


def create_signing_key(session: Session, sender: Sender, now: datetime) -> SigningKey:
    """A new key of its domain, that waits for its record to be published."""
    domain = signing_domain(sender)
    taken = {key.selector for key in keys_of(session, sender)}
    base = f"lb{now:%Y%m%d}"
    selector = next(each for each in (base, *(f"{base}x{count}" for count in range(2, 1000))) if each not in taken)
    key = generate_private_key(65537, _BITS)
    row = SigningKey(
        domain=domain,
        selector=selector,
        private_key=_encrypted(key, domain, selector, _secret()),
        record=dns_record(key),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def use(session: Session, key: SigningKey, now: datetime) -> bool:
    """Sign with this key from now on; the one before it retires. False if it does not wait for that."""
    others = update(SigningKey).where(SigningKey.domain == key.domain, SigningKey.state == KeyState.ACTIVE)
    waiting = update(SigningKey).where(SigningKey.id == key.id, SigningKey.state == KeyState.WAITING)
    if key.state is not KeyState.WAITING:
        return False
    session.execute(others.values(state=KeyState.RETIRED, retired_at=now))
    return bool(session.execute(waiting.values(state=KeyState.ACTIVE)).rowcount)  # type: ignore[attr-defined]


def is_published(key: SigningKey, look_up: Callable[[str], Sequence[str]]) -> bool:
    """Whether DNS has the record; blanks do not count, for it may be split into several strings."""
    wanted = _compact(key.record)
    return any(_compact(text) == wanted for text in look_up(key.host))


def txt_records(host: str) -> Sequence[str]:
    """The TXT records of a name; none if nobody answers."""
    from dns.exception import DNSException
    from dns.resolver import resolve

    try:
        answer = resolve(host, "TXT", lifetime=4.0)
    except DNSException:
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _compact(text: str) -> str:
    return "".join(text.split()).rstrip(";")


def _secret() -> str:
    config: Config = current_app.extensions["letterbond.config"]
    return config.secret_key


def _cipher(secret: str) -> AESGCM:
    return AESGCM(blake2b(secret.encode(), digest_size=32, person=b"signing-key").digest())


def _encrypted(key: RSAPrivateKey, domain: str, selector: str, secret: str) -> str:
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    nonce = os.urandom(_NONCE)
    # Bound to its place: moved to another row it opens nothing.
    sealed = _cipher(secret).encrypt(nonce, plain, f"{selector}._domainkey.{domain}".encode())
    return base64.b64encode(nonce + sealed).decode()


@lru_cache(64)
def _signer(domain: str, selector: str, private_key: str, secret: str) -> Signer:
    sealed = base64.b64decode(private_key)
    try:
        plain = _cipher(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{selector}._domainkey.{domain}".encode())
    except InvalidTag as error:
        raise Conflict(
            _(
                "The signing key of %(domain)s cannot be read, as SECRET_KEY has changed. Create a new one.",
                domain=domain,
            )
        ) from error
    key = load_der_private_key(plain, None)
    assert isinstance(key, RSAPrivateKey)
    return Signer(domain, selector, key)
