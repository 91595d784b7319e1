"""DKIM: a mail's signature, made with the key of the sender's domain (RFC 6376; RFC 8463 for Ed25519).

Relaxed canonicalisation for header and body; making a body canonical takes longer than hashing it, so `app/quoted.py`
writes it that way. The list of headers is our own, for a library's default leaves out
List-Unsubscribe-Post, and RFC 8058 §4 wants it signed. Not in charge of: where keys are kept (`accounts/signing.py`).
"""

import base64
import re
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Key: TypeAlias = "RSAPrivateKey | Ed25519PrivateKey"

# Signed where present, and once more than present (RFC 6376 §8.15): none of these can be added on the way.
_OVERSIGNED = (
    "from to cc subject date message-id reply-to sender mime-version content-type content-transfer-encoding "
    "list-unsubscribe list-unsubscribe-post"
).split()
# Signed where present.
_SIGNED = ("list-id", "list-help", "list-owner", "list-archive", "feedback-id", "precedence", "auto-submitted")
_WIDTH = 72
_BLANKS = re.compile(rb"[ \t\r\n]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:.*\r\n[ \t])*.*)(?:\r\n|\Z)")


class Signer:
    """Signs the mails of one domain. `domain` is in A-labels; the public key stands at `selector._domainkey.domain`."""

    def __init__(self, domain: str, selector: str, key: Key) -> None:
        # Eight megabytes that only those need who sign.
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        self.domain, self.selector = domain, selector
        self._sign: Callable[[bytes], bytes]
        if isinstance(key, RSAPrivateKey):
            algorithm, padding, digest = "rsa-sha256", PKCS1v15(), SHA256()
            self._sign = lambda data: key.sign(data, padding, digest)
        else:
            # RFC 8463 §3: it signs the hash, not the text.
            algorithm = "ed25519-sha256"
            self._sign = lambda data: key.sign(sha256(data).digest())
        self._head = f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n t="
        # Mails of one kind have the same headers in the same order: which are signed is found once.
        self._plans: dict[tuple[bytes, ...], tuple[str, list[int]]] = {}

    def header(self, content: bytes) -> bytes:
        """The DKIM-Signature header for this mail, folded, with the CR LF that ends it. It goes before the mail.

        Lines of `content` end with CR LF, as on the wire, without dot-stuffing. Its body is canonical already, but for
        empty lines at the end: what `app/mail.py` writes is (RFC 6376 §3.4.4).
        """
        head, _, body = content.partition(b"\r\n\r\n")
        if body.endswith(b"\r\n\r\n") or body == b"\r\n":
            body = body.rstrip(b"\r\n")
            body += b"\r\n" if body else b""
        names, fields = _fields(head)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = _plan(names)
        body_hash = base64.b64encode(sha256(body).digest()).decode()
        value = f"{self._head}{int(time.time())}; bh={body_hash};\r\n h={plan[0]};\r\n b="
        unsigned = b"dkim-signature:" + _BLANKS.sub(b" ", value.encode())
        signature = base64.b64encode(self._sign(b"".join([*[fields[at] for at in plan[1]], unsigned]))).decode()
        lines = [signature[at : at + _WIDTH] for at in range(0, len(signature), _WIDTH)]
        return ("DKIM-Signature: " + value + "\r\n ".join(lines) + "\r\n").encode()


def dns_record(key: Key) -> str:
    """The text of the TXT record that publishes the key (RFC 6376 §3.6.1)."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(data).decode()}"
    data = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(data).decode()}"


def _fields(head: bytes) -> tuple[tuple[bytes, ...], list[bytes]]:
    """The header's fields in relaxed form (RFC 6376 §3.4.2): their names, and all of each."""
    found = [(name.lower(), value) for name, value in _FIELD.findall(head)]
    return (
        tuple(name for name, _ in found),
        [name + b":" + _BLANKS.sub(b" ", value).strip() + b"\r\n" for name, value in found],
    )


def _plan(names: tuple[bytes, ...]) -> tuple[str, list[int]]:
    """What h= says, and the fields it means: of several with one name the last comes first (RFC 6376 §5.4.2)."""
    listed: list[str] = []
    order: list[int] = []
    for name in (*_OVERSIGNED, *_SIGNED):
        places = [at for at, each in enumerate(names) if each == name.encode()]
        order += reversed(places)
        listed += [name] * (len(places) + (name in _OVERSIGNED))
    return _folded_names(listed), order


def _folded_names(names: list[str]) -> str:
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) > _WIDTH:
            lines.append(line + ":")
            line = name
        else:
            line = f"{line}:{name}" if line else name
    return "\r\n ".join([*lines, line])
