"""Private halves of signing keys, made and encrypted at rest with a key outside the database (TRUST S18)."""

import base64
import os
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
from flask_babel import gettext as _

from app.dkim import Signer
from app.errors import Conflict

# RFC 8301 §3.2 and every large provider: 2048 bits.
_BITS = 2048
_NONCE = 12


def new_key() -> RSAPrivateKey:
    """One of a length that everybody accepts."""
    return generate_private_key(65537, _BITS)


def sealed(key: RSAPrivateKey, domain: str, selector: str, secret: str) -> str:
    """The key as the database keeps it."""
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + _cipher(secret).encrypt(nonce, plain, _place(domain, selector))).decode()


@lru_cache(64)
def opened(domain: str, selector: str, private_key: str, secret: str) -> Signer:
    """What signs with it; raises Conflict if `secret` is not the one that it was sealed with."""
    content = base64.b64decode(private_key)
    try:
        plain = _cipher(secret).decrypt(content[:_NONCE], content[_NONCE:], _place(domain, selector))
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


def _cipher(secret: str) -> AESGCM:
    return AESGCM(blake2b(secret.encode(), digest_size=32, person=b"signing-key").digest())


def _place(domain: str, selector: str) -> bytes:
    """A key is bound to it: moved to another row it opens nothing."""
    return f"{selector}._domainkey.{domain}".encode()
