"""DKIM keys of the sender domains: made, published, used, replaced; and the Signer that mails are signed with.

A key is used only when somebody says that its record is published: a signature that nobody can check is worse than
none. In charge of: states of keys. Not of: signatures (`app/dkim.py`), nor of keys at rest. `sealing.py`, which is, is
loaded where there is a key: whoever sends unsigned does without its eight megabytes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import KeyState, Sender, SigningKey
from app.config import Config
from app.dkim import Signer, dns_record
from app.mail import wire_address


def signing_domain(sender: Sender) -> str:
    """The domain whose key signs this sender's mail, in A-labels: that of its address, as DMARC wants."""
    return wire_address(f"x@{sender.domain}").removeprefix("x@").lower()


def signer_for(session: Session, sender: Sender) -> Signer | None:
    """What signs this sender's mail; None if its domain has no key in use. Raises Conflict if the key is unreadable."""
    query = select(SigningKey).where(SigningKey.domain == signing_domain(sender), SigningKey.state == KeyState.ACTIVE)
    key = session.scalar(query)
    if key is None:
        return None
    from app.accounts.sealing import opened

    return opened(key.domain, key.selector, key.private_key, _secret())


def keys_of(session: Session, sender: Sender) -> Sequence[SigningKey]:
    """All keys of its domain, the newest first."""
    query = select(SigningKey).where(SigningKey.domain == signing_domain(sender))
    return session.scalars(query.order_by(SigningKey.id.desc())).all()


def create_signing_key(session: Session, sender: Sender, now: datetime) -> SigningKey:
    """A new key of its domain, that waits for its record to be published."""
    from app.accounts.sealing import new_key, sealed

    domain = signing_domain(sender)
    taken = {key.selector for key in keys_of(session, sender)}
    base = f"lb{now:%Y%m%d}"
    selector = next(each for each in (base, *(f"{base}x{count}" for count in range(2, 1000))) if each not in taken)
    key = new_key()
    row = SigningKey(
        domain=domain,
        selector=selector,
        private_key=sealed(key, domain, selector, _secret()),
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
