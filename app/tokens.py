"""Signed tokens for links in mails: a purpose, some numbers, a keyed hash. Nothing to guess, nothing to forge.

One purpose cannot be used for another, and a person's tokens can be revoked by raising her `token_epoch` where the
purpose includes it. Tokens do not expire: mail lives in mailboxes for years (RFC 8058 §3, TRUST R13).
Not in charge of: sessions and CSRF (Flask), API keys (`accounts`).
"""

from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest, digest

_MAC_BYTES = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(StrEnum):
    """What a token may be used for."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    OPEN = "open"
    CLICK = "click"
    TARGET = "target"
    BOUNCE = "bounce"
    WEBVIEW = "webview"
    FORM = "form"
    SETUP = "setup"


class Tokens:
    """Signs and reads tokens with one secret."""

    def __init__(self, secret: str) -> None:
        # Keyed once and copied for each token: a third of the time.
        self._macs = {purpose: _keyed(secret, purpose) for purpose in Purpose}
        self._pepper = blake2b(secret.encode(), digest_size=32, person=b"pepper").digest()

    def sign(self, purpose: Purpose, *numbers: int, text: str = "") -> str:
        """A URL-safe token that says `numbers` (whole, not negative), and then the code of each ASCII letter."""
        payload = _varints(numbers) + text.encode("ascii")
        raw = self._mac(purpose, payload) + payload
        return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")

    def read(self, purpose: Purpose, token: str) -> tuple[int, ...] | None:
        """The numbers of a token, or None when it was not signed here for this purpose."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            return None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not compare_digest(mac, self._mac(purpose, payload)):
            return None
        return _numbers(payload)

    def address_hash(self, address_key: str) -> str:
        """What remains of an address after erasure: enough to keep it off every list, no more (TRUST L12)."""
        return digest(self._pepper, address_key.encode(), "sha256").hex()

    def _mac(self, purpose: Purpose, payload: bytes) -> bytes:
        mac = self._macs[purpose].copy()
        mac.update(payload)
        return mac.digest()


def _keyed(secret: str, purpose: Purpose) -> blake2b:
    key = blake2b(secret.encode(), digest_size=32, person=purpose.encode()[:16]).digest()
    return blake2b(digest_size=_MAC_BYTES, key=key)


def _varints(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_varint, numbers))


# A mail has several tokens with the same person and campaign in them.
@lru_cache(1024)
def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _numbers(payload: bytes) -> tuple[int, ...]:
    numbers, current, shift = [], 0, 0
    for byte in payload:
        current |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(current)
            current, shift = 0, 0
    return tuple(numbers)
